import { rename, rm, symlink } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';

/** Makes `link` a symbolic link to a file, at every moment to the one before or to this one. */
export async function pointTo(link: string, path: string): Promise<void> {
  const made = `${link}.tmp`;
  await rm(made, { force: true });
  await symlink(relative(dirname(resolve(link)), resolve(path)), made);
  await rename(made, link);
}
