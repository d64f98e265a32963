import { isUtf8 } from 'node:buffer';
import { closeSync, openSync, writeSync } from 'node:fs';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/** An NDJSON file that collects what could not be processed. */
export interface DeadLetter {
  /** Appends records. Throws RuntimeError if that fails. */
  write(...records: object[]): void;
  close(): void;
}

/** Opens a dead letter file, readable by its owner only. Throws RuntimeError. */
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

/** Returns a line's bytes as a member of a record: `raw`, or `raw_base64` if they are not UTF-8. */
export function raw(bytes: Buffer): { raw: string } | { raw_base64: string } {
  return isUtf8(bytes) ? { raw: bytes.toString() } : { raw_base64: bytes.toString('base64') };
}
