import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, writeSync } from 'node:fs';
import { cause, RuntimeError, remedy } from './errors.js';
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
      return deadLetter(choice, command, (invalid, lines) => count(invalid, lines, `, kept in ${choice}`));
  }
}

/** Appends each line with its number and reason to a file of NDJSON; `raw_base64` holds what is not UTF-8. */
function deadLetter(path: string, stage: string, told: (invalid: number, lines: number) => void): InvalidPolicy {
  const failed = (error: unknown) =>
    new RuntimeError(`cannot write dead letter ${path}: ${cause(error)}; ${remedy(error)}`);
  let fd: number;
  try {
    fd = openSync(path, 'a', 0o600);
  } catch (error) {
    throw failed(error);
  }
  return {
    line: (number, reason, raw) => {
      const text = isUtf8(raw) ? { raw: raw.toString() } : { raw_base64: raw.toString('base64') };
      const record = Buffer.from(`${JSON.stringify({ stage, line: number, reason, ...text })}\n`);
      try {
        for (let at = 0; at < record.length; ) at += writeSync(fd, record, at);
      } catch (error) {
        throw failed(error);
      }
    },
    end: (invalid, lines) => {
      closeSync(fd);
      told(invalid, lines);
      return false;
    },
  };
}
