import { nearest } from '../command/nearest.js';
import { counted } from '../io/fd.js';
import type { Place } from '../io/input.js';
import { invalidValue, RuntimeError } from '../messages/errors.js';
import { logMessage } from '../messages/log.js';
import { deadLetter, raw } from './dead-letter.js';
import { binary, lookalike } from './foreign.js';

/** What to do with invalid lines. */
export interface InvalidPolicy {
  /** Handles one line: its number (from 1), the reason, and its bytes (only the first bytes if it is too long). */
  line(number: number, reason: string, raw: Buffer): void;
  /** Handles the end of the input. Returns whether the run counts as failed. */
  end(invalid: number, lines: number): boolean;
}

/** Checks the value of `--on-invalid`. Rejects a FILE that is probably a misspelt word. */
export function invalidChoice(text: string): string {
  const words = ['report', 'fail', 'drop'];
  const near = words.includes(text) || /[./]/.test(text) ? undefined : nearest(text, words);
  if (near) throw invalidValue(text, `use report, fail, drop or a FILE; ${near} For a FILE, write ./${text}`);
  return text;
}

/** How many lines of input that is something else are reported. */
const enough = 5;

/** Returns the policy for `--on-invalid report|fail|drop|FILE`. Each of them fails if the input is not text at all. */
export function onInvalid(
  choice: string,
  command: string,
  place: (line: number) => Place = (line) => ({ line }),
): InvalidPolicy {
  const policy = chosen(choice, command, place);
  let looksAt: string | undefined | null = null; // the file that is looked at
  let looks = 0;
  let isOther = false;
  return {
    line(number, reason, raw) {
      const { file, line } = place(number);
      const name = file ?? 'the input';
      const what = line === 1 ? binary(raw) : undefined;
      if (what) throw new RuntimeError(`${name} ${what}`);
      if (looksAt !== file) {
        looksAt = file;
        looks = 0;
        isOther = false;
      }
      looks++;
      if (isOther && choice === 'report' && looks > enough) return;
      const like = !isOther && line === looks && looks <= enough ? lookalike(raw.toString()) : undefined;
      if (like) isOther = true;
      if (like && choice === 'fail') logMessage(command, `${name} ${like}`);
      policy.line(number, reason, raw);
      if (like && choice !== 'fail') logMessage(command, `${name} ${like}`);
    },
    end: policy.end,
  };
}

function chosen(choice: string, command: string, place: (line: number) => Place): InvalidPolicy {
  const shown = (number: number) => {
    const { file, line } = place(number);
    return file === undefined ? `line ${line}` : `${file}:${line}`;
  };
  const count = (invalid: number, lines: number, what: string) =>
    logMessage(command, `${invalid} of ${counted(lines)} invalid${what}`);
  switch (choice) {
    case 'report':
      return {
        line: (number, reason) => logMessage(command, `${shown(number)}: ${reason}`),
        end: (invalid, lines) => {
          count(invalid, lines, '');
          return true;
        },
      };
    case 'fail':
      return {
        line: (number, reason) => {
          throw new RuntimeError(`${shown(number)}: ${reason}`);
        },
        end: () => true,
      };
    case 'drop':
      return {
        line: () => {},
        end: (invalid, lines) => {
          count(invalid, lines, ', dropped');
          return false;
        },
      };
    default:
      return kept(choice, command, place, (invalid, lines) => count(invalid, lines, `, kept in ${choice}`));
  }
}

/** Appends each line, with its number and the reason, to an NDJSON file. */
function kept(
  path: string,
  stage: string,
  place: (line: number) => Place,
  report: (invalid: number, lines: number) => void,
): InvalidPolicy {
  const file = deadLetter(path);
  return {
    line: (number, reason, bytes) => file.write({ stage, ...place(number), reason, ...raw(bytes) }),
    end: (invalid, lines) => {
      file.close();
      report(invalid, lines);
      return false;
    },
  };
}
