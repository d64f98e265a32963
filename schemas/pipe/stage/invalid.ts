import { nearest } from '../command/options.js';
import { counted } from '../io/fd.js';
import { RuntimeError, UsageError } from '../messages/errors.js';
import { logMessage } from '../messages/log.js';
import { deadLetter, raw } from './dead-letter.js';

/** What becomes of a line that is no valid event. */
export interface InvalidPolicy {
  /** Takes the line: its number (from 1), the reason, its bytes (only the beginning of one that is too long). */
  line(number: number, reason: string, raw: Buffer): void;
  /** The input has ended. Returns whether this run is to be called failed. */
  end(invalid: number, lines: number): boolean;
}

/** Checks the value of `--on-invalid`. A FILE that is nearly one of the words would be made by a typo. */
export function invalidChoice(text: string): string {
  const words = ['report', 'fail', 'drop'];
  const near = words.includes(text) || /[./]/.test(text) ? undefined : nearest(text, words);
  if (near) throw new UsageError(`wants report, fail, drop or a FILE, not "${text}"; ${near} ./${text} is a FILE`);
  return text;
}

/** The policy for `--on-invalid report|fail|drop|FILE`. Input that is no text at all ends the run, whatever the choice. */
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

/** What an input is that begins with these bytes, and what to do about it; undefined of one that may be lines of text. */
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

/** Appends each line with its number and reason to a file of NDJSON. */
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
