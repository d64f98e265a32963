import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { folder } from '../live/folder.js';
import { root } from '../support/shell.js';

export interface Packed {
  /** The tarball's path. */
  tarball: string;
  files: { path: string; size: number; mode: number }[];
  /** Bytes, of the tarball, and of what is in it. */
  size: number;
  unpackedSize: number;
}

/** What `npm pack` makes of this checkout; in a folder of the test's own. */
export function pack(): Packed {
  const args = ['pack', '--json', '--pack-destination', folder()];
  const [made] = JSON.parse(
    execFileSync('npm', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  return { ...made, tarball: join(folder(), made.filename) };
}
