import { nearest } from '../command/options.js';
import { counted } from '../io/fd.js';
import { RuntimeError, UsageError } from '../messages/errors.js';
import { logMessage } from '../messages/log.js';
import { deadLetter, raw } from './dead-letter.js';

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
  if (near)
    throw new UsageError(`must be report, fail, drop or a FILE, not "${text}"; ${near} For a FILE, write ./${text}`);
  return text;
}

/** Returns the policy for `--on-invalid report|fail|drop|FILE`. Each of them fails if the input is not text at all. */
export function onInvalid(choice: string, command: string): InvalidPolicy {
  const policy = chosen(choice, command);
  return {
    line(number, reason, raw) {
      const what = number === 1 ? foreign(raw) : undefined;
      if (what) throw new RuntimeError(what);
      policy.line(number, reason, raw);
    },
    end: policy.end,
  };
}

/** Recognises binary formats by their first bytes. Returns the format and what to do, or undefined for what may be text. */
function foreign(raw: Buffer): string | undefined {
  const kinds: [bytes: string, message: string][] = [
    ['1f8b', 'the input is gzip; pass it through gzip -dc'],
    ['28b52ffd', 'the input is zstd; pass it through zstd -dc'],
    ['50415231', 'the input is Parquet; read it with DuckDB'],
    ['fffe', 'the input is UTF-16; pass it through iconv -f UTF-16 -t UTF-8'],
    ['feff', 'the input is UTF-16; pass it through iconv -f UTF-16 -t UTF-8'],
  ];
  const begin = raw.toString('hex', 0, 4);
  return kinds.find(([bytes]) => begin.startsWith(bytes))?.[1];
}

function chosen(choice: string, command: string): InvalidPolicy {
  const count = (invalid: number, lines: number, what: string) =>
    logMessage(command, `${invalid} of ${counted(lines)} invalid${what}`);
  switch (choice) {
    case 'report':
      return {
        line: (number, reason) => logMessage(command, `line ${number}: ${reason}`),
        end: (invalid, lines) => {
          count(invalid, lines, '');
          return true;
        },
      };
    case 'fail':
      return {
        line: (number, reason) => {
          throw new RuntimeError(`line ${number}: ${reason}`);
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
      return kept(choice, command, (invalid, lines) => count(invalid, lines, `, kept in ${choice}`));
  }
}

/** Appends each line, with its number and the reason, to an NDJSON file. */
function kept(path: string, stage: string, report: (invalid: number, lines: number) => void): InvalidPolicy {
  const file = deadLetter(path);
  return {
    line: (number, reason, bytes) => file.write({ stage, line: number, reason, ...raw(bytes) }),
    end: (invalid, lines) => {
      file.close();
      report(invalid, lines);
      return false;
    },
  };
}
