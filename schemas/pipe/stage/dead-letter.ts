import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, writeSync } from 'node:fs';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/** A file of NDJSON that what could not be used is appended to. */
export interface DeadLetter {
  /** Throws RuntimeError where it cannot be written. */
  write(...records: object[]): void;
  close(): void;
}

/** Opens it, for its owner alone. Throws RuntimeError. */
export function deadLetter(path: string): DeadLetter {
  const orFail = <T>(does: () => T): T => {
    try {
      return does();
    } catch (error) {
      throw new RuntimeError(`cannot write dead letter ${path}: ${cause(error)}; ${remedy(error)}`);
    }
  };
  const fd = orFail(() => openSync(path, 'a', 0o600));
  return {
    write: (...records) =>
      orFail(() => {
        const bytes = Buffer.from(records.map((record) => `${JSON.stringify(record)}\n`).join(''));
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      }),
    close: () => closeSync(fd),
  };
}

/** A line's bytes as a member of a record: `raw`, or `raw_base64` where they are no UTF-8. */
export function raw(bytes: Buffer): { raw: string } | { raw_base64: string } {
  return isUtf8(bytes) ? { raw: bytes.toString() } : { raw_base64: bytes.toString('base64') };
}
