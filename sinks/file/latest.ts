import { lstat, rename, rm, symlink } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { ErrorWithRemedy } from '../../schemas/pipe/messages/errors.js';

/** Points the symbolic link `link` to a file, atomically. Replaces only a link. */
export async function pointTo(link: string, path: string): Promise<void> {
  const made = `${link}.tmp`;
  for (const name of [link, made]) {
    const found = await lstat(name).catch(() => undefined);
    if (found && !found.isSymbolicLink())
      throw new ErrorWithRemedy(`${name} exists and is not a symbolic link`, 'move it away, or choose another name');
  }
  await rm(made, { force: true }); // left by a crash
  await symlink(relative(dirname(resolve(link)), resolve(path)), made);
  await rename(made, link);
}
