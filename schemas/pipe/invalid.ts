import { deadLetter, raw } from './dead-letter.js';
import { RuntimeError } from './errors.js';
import { counted } from './fd.js';
import { say } from './say.js';

/** What becomes of a line that is no valid event. */
export interface InvalidPolicy {
  /** Takes the line: its number (from 1), the reason, its bytes (only the beginning of one that is too long). */
  line(number: number, reason: string, raw: Buffer): void;
  /** The input has ended. Returns whether this run is to be called failed. */
  end(invalid: number, lines: number): boolean;
}

/** The policy for `--on-invalid report|fail|drop|FILE`. */
export function onInvalid(choice: string, command: string): InvalidPolicy {
  const count = (invalid: number, lines: number, what: string) =>
    say(command, `${invalid} of ${counted(lines)} invalid${what}`);
  switch (choice) {
    case 'report':
      return {
        line: (number, reason) => say(command, `line ${number}: ${reason}`),
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
function kept(path: string, stage: string, told: (invalid: number, lines: number) => void): InvalidPolicy {
  const file = deadLetter(path);
  return {
    line: (number, reason, bytes) => file.write({ stage, line: number, reason, ...raw(bytes) }),
    end: (invalid, lines) => {
      file.close();
      told(invalid, lines);
      return false;
    },
  };
}
