import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ErrorWithRemedy } from '../../schemas/pipe/messages/errors.js';

const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * Opens a file for appending whose name is derived from another one, such as PATH.torn. In a folder that others can write
 * to, that name may be a symbolic link or a FIFO: a link is not followed, and opening a FIFO does not block.
 */
export async function openBeside(path: string): Promise<FileHandle> {
  const file = await open(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new ErrorWithRemedy(`${path} is not a file`, 'remove it');
}
