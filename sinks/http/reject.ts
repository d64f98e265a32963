import { closeSync, openSync, writeSync } from 'node:fs';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/errors.js';

/** What becomes of lines that a receiver refuses for good. */
export interface RejectPolicy {
  /** Lines and why; none where only their count is known. */
  take(lines: readonly Buffer[], reason: string, count?: number): void;
  close(): void;
}

/** The policy for `--on-reject fail|drop|FILE`. */
export function onReject(choice: string): RejectPolicy {
  if (choice === 'drop') return { take: () => {}, close: () => {} };
  if (choice === 'fail') {
    return {
      take: (_, reason) => {
        throw new RuntimeError(`the receiver refused events: ${reason}; correct that, or see --on-reject`);
      },
      close: () => {},
    };
  }
  return deadLetter(choice);
}

/** Appends each line with the reason to a file of NDJSON. */
function deadLetter(path: string): RejectPolicy {
  const failed = (error: unknown) =>
    new RuntimeError(`cannot write dead letter ${path}: ${cause(error)}; ${remedy(error)}`);
  let fd: number;
  try {
    fd = openSync(path, 'a', 0o600);
  } catch (error) {
    throw failed(error);
  }
  const stage = 'sink-http';
  return {
    take: (lines, reason, count = 0) => {
      const records =
        lines.length > 0 ? lines.map((line) => ({ stage, reason, raw: line.toString() })) : [{ stage, reason, count }];
      const bytes = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      } catch (error) {
        throw failed(error);
      }
    },
    close: () => closeSync(fd),
  };
}
