import type { Stats } from 'node:fs';
import { chmod, chown, type FileHandle, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Who may read the files: their permission bits and group. What is undefined stays as it is. */
export interface Access {
  mode?: number | undefined;
  group?: number | undefined;
}

/** Gives an open file this mode and group. */
export async function applyAccess(file: FileHandle, found: Stats, { mode, group }: Access): Promise<void> {
  if (group !== undefined && group !== found.gid) await file.chown(-1, group);
  if (mode !== undefined && mode !== (found.mode & 0o7777)) await file.chmod(mode);
}

/** Makes a folder and those above it: for the owner alone, or for those who may read the files. */
export async function makeFolder(path: string, { mode = 0o600, group }: Access): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const forFolder = mode | ((mode & 0o444) >> 2) | 0o700;
  for (let made = path; made.startsWith(first); made = dirname(made)) {
    if (group !== undefined) await chown(made, -1, group);
    await chmod(made, forFolder);
  }
}
