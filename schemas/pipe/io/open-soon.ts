import { constants, open } from 'node:fs';
import type { Follower } from './follow.js';
import { statOf } from './names.js';

/**
 * Opens a file, or the archive that it has become. Resolves to its descriptor and the name that was opened. Opening a FIFO waits for
 * its writer; with `follower`, a missing file is waited for.
 */
export async function openSoon(asked: string, follower?: Follower): Promise<{ name: string; fd: number }> {
  for (let name = asked; ; ) {
    try {
      return { name, fd: await opened(name) };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      const archive = ['.zst', '.gz'].find((suffix) => statOf(asked + suffix));
      if (!follower && archive !== undefined && name === asked) name += archive;
      else if (!(await follower?.wait())) throw error;
    }
  }
}

function opened(name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    open(name, constants.O_RDONLY, (error, fd) => (error ? reject(error) : resolve(fd)));
  });
}
