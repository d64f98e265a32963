import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { ErrorWithRemedy } from '../../schemas/pipe/messages/errors.js';

const { O_APPEND, O_CREAT, O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * Opens a file with a name that a command derives from another, to append to it. In a folder where others may write it can
 * be something else: a symbolic link is not followed, and a FIFO is not waited for.
 */
export async function openBeside(path: string): Promise<FileHandle> {
  const file = await open(path, O_APPEND | O_CREAT | O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0o600);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new ErrorWithRemedy(`${path} is not a file`, 'remove it');
}
