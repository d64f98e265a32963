import { lstat, open, rename, unlink } from 'node:fs/promises';
import { counted } from '../../schemas/pipe/io/fd.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { openBeside } from '../file/beside.js';
import { WholeLines } from '../file/whole-lines.js';
import { Damaged, readSpooled } from './damage.js';
import { checksum, sorted } from './lines.js';

/**
 * Seals a file that a crash has left unfinished: whole lines that are valid events stay, in a file with a checksum in its
 * name; what is torn is moved to PATH.torn, what is damaged to PATH.bad. Returns the file's new path and how long it is;
 * undefined if nothing is left. Throws Damaged.
 */
export async function takeOver(
  path: string,
  sealed: (sum: string) => string,
  stage: string,
): Promise<{ path: string; bytes: number } | undefined> {
  const torn = new WholeLines(path, { stage, mkdir: false, lock: 'none' });
  await torn.open(); // makes it whole
  await torn.close();
  const { good, bad, badLines } = sorted(await readSpooled(path));
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

/** Throws Damaged if there is something else than a file. Returns how long the file is. */
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
