import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { folder } from '../live/folder.js';
import { root } from '../support/shell.js';

export interface Packed {
  /** The tarball's path. */
  tarball: string;
  files: { path: string; size: number; mode: number }[];
  /** Bytes: of the tarball, and of its contents. */
  size: number;
  unpackedSize: number;
}

/** Runs `npm pack` on this checkout, into a temporary folder. */
export function pack(): Packed {
  const args = ['pack', '--json', '--pack-destination', folder()];
  const [made] = JSON.parse(
    execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  return { ...made, tarball: join(folder(), made.filename) };
}
