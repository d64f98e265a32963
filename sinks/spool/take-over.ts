import { lstat, open, rename, unlink } from 'node:fs/promises';
import { counted } from '../../schemas/pipe/io/fd.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { openBeside } from '../file/beside.js';
import { LineFile } from '../file/line-file.js';
import { Damaged, readSpooled } from './damage.js';
import { checksum, separate } from './lines.js';

/**
 * Seals a file that a crash left unfinished. Lines that are valid events stay in the file, which gets a checksum in its name.
 * A torn last line is moved to PATH.torn, and damaged lines to PATH.bad. Returns the new path and its size, or undefined if
 * nothing is left. Throws Damaged if the file cannot be read.
 */
export async function takeOver(
  path: string,
  sealed: (sum: string) => string,
  { stage, lenient }: { stage: string; lenient: boolean },
): Promise<{ path: string; bytes: number } | undefined> {
  const torn = new LineFile(path, { stage, mkdir: false, lock: 'none' });
  await torn.open(); // repairs it
  await torn.close();
  const { good, bad, badLines } = separate(await readSpooled(path), lenient);
  if (badLines > 0) {
    await write(() => openBeside(`${path}.bad`), bad);
    logMessage(stage, `${path}: ${counted(badLines)} damaged; moved to ${path}.bad`);
    const copy = `${path}.tmp`;
    await write(() => open(copy, 'w', 0o600), good);
    await rename(copy, path);
  }
  if (good.length === 0) return void (await unlink(path));
  const to = sealed(checksum(good));
  await rename(path, to);
  return { path: to, bytes: good.length };
}

/** Returns the size of a file. Throws Damaged if the path is not a regular file. */
export async function sizeOf(path: string): Promise<number> {
  const found = await lstat(path);
  if (!found.isFile()) throw new Damaged('not a file');
  return found.size;
}

async function write(opens: () => ReturnType<typeof open>, bytes: Buffer): Promise<void> {
  const file = await opens();
  try {
    await file.appendFile(bytes);
    await file.datasync();
  } finally {
    await file.close();
  }
}
