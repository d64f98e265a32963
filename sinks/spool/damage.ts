import { readFile } from 'node:fs/promises';
import { cause } from '../../schemas/pipe/messages/errors.js';
import { checksum, sorted } from './lines.js';

/** A spooled file cannot be used: it was set aside and reported. */
export class Damaged extends Error {}

/** The file is not what a spool writes. Other errors, such as too many open files, may pass. */
const unreadable = new Set(['EIO', 'EISDIR', 'ENOENT', 'EBADMSG', 'EUCLEAN', 'ERR_FS_FILE_TOO_LARGE']);

/** Reads a spooled file. Throws Damaged if it cannot be read, now or later. */
export async function readSpooled(path: string): Promise<Buffer> {
  return readFile(path).catch((error) => {
    throw unreadable.has(error.code) ? new Damaged(`cannot be read (${cause(error)})`) : error;
  });
}

/** Throws Damaged if these are not the bytes that were written. Of an earlier run's file, each line is checked too. */
export function check(bytes: Buffer, sum: string, isOwn: boolean): Buffer {
  if (checksum(bytes) !== sum) throw new Damaged('its content does not match its checksum');
  if (!isOwn && sorted(bytes).badLines > 0) throw new Damaged('it has lines that are not valid events');
  return bytes;
}
