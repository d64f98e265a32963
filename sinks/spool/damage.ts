import { readFile } from 'node:fs/promises';
import { cause } from '../../schemas/pipe/messages/errors.js';
import { checksum, separate } from './lines.js';

/** A spooled file is damaged and cannot be delivered. Its lines are lost to this run. */
export class Damaged extends Error {}

/** Errors that mean that the file is damaged or gone. Other errors, such as too many open files, may be temporary. */
const unreadable = new Set(['EIO', 'EISDIR', 'ENOENT', 'EBADMSG', 'EUCLEAN', 'ERR_FS_FILE_TOO_LARGE']);

/** Reads a spooled file. Throws Damaged if it will never be readable. */
export async function readSpooled(path: string): Promise<Buffer> {
  return readFile(path).catch((error) => {
    throw unreadable.has(error.code) ? new Damaged(`cannot be read (${cause(error)})`) : error;
  });
}

/** Returns `bytes`. Throws Damaged if they do not match their checksum, or hold an invalid line from an earlier run. */
export function check(bytes: Buffer, sum: string, fromThisRun: boolean, lenient: boolean): Buffer {
  if (checksum(bytes) !== sum) throw new Damaged('its content does not match its checksum');
  if (!fromThisRun && separate(bytes, lenient).badLines > 0)
    throw new Damaged('it has lines that are not valid events');
  return bytes;
}
