import { type FileHandle, stat } from 'node:fs/promises';
import { constants } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ErrorWithRemedy } from '../messages/errors.js';
import { logMessage } from '../messages/log.js';
import { addon } from './addon.js';

/** The option of every command that locks a file. */
export const noLock = {
  help: 'Do not lock files. You must make sure that no other process writes to them.',
};

/** How often to try for a lock that another process holds, and how long to wait between (ms): that process may end soon. */
const tries = 150;
const apartMs = 20;

/** Error codes for a file system without locks: no other process can have one either. */
const unsupported = new Set(['ENOLCK', 'EOPNOTSUPP', 'ENOTSUP', 'ENOSYS']);
let warned = false;

/**
 * Locks an open file until it is closed, however the process ends. The lock (flock) is on the file itself, so it also works
 * between containers that share a volume. Returns false if another process has the lock. A file system without locks is
 * reported once, and the file counts as locked. Throws ErrorWithRemedy without the native addon.
 */
export function tryLock(fd: number, path: string, command: string): boolean {
  const native = addon();
  if (!native)
    throw new ErrorWithRemedy('locking needs the native addon', 'build it (synpipe doctor --build), or use --no-lock');
  const failed = native.lock(fd);
  if (failed === 0) return true;
  const [code = `error ${failed}`] = Object.entries(constants.errno).find(([, number]) => number === failed) ?? [];
  if (code === 'EAGAIN') return false;
  if (!unsupported.has(code)) throw Object.assign(new Error(code), { code });
  if (!warned)
    logMessage(command, `${path}: the file system does not support locks (${code}); let no other process write there`);
  warned = true;
  return true;
}

export function unlock(fd: number): void {
  addon()?.unlock(fd);
}

/** Whether a path still refers to this open file. */
export async function names(path: string, file: FileHandle): Promise<boolean> {
  const [one, other] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  return one.dev === other?.dev && one.ino === other.ino;
}

/**
 * Opens a file and locks it, unless it is a device or a pipe, which any number of processes may write to. Waits a moment
 * for a process that is about to end; after that, throws ErrorWithRemedy.
 */
export async function openLocked(
  path: string,
  open: () => Promise<FileHandle>,
  command: string,
  remedy = 'use a different one for each process',
): Promise<FileHandle> {
  for (let tried = 0; tried < tries; tried++) {
    if (tried > 0) await sleep(apartMs);
    const file = await open();
    try {
      if (!(await file.stat()).isFile()) return file;
      // Between open and lock, another process may have renamed the file.
      if (tryLock(file.fd, path, command) && (await names(path, file))) return file;
    } catch (error) {
      await file.close();
      throw error;
    }
    await file.close();
  }
  throw new ErrorWithRemedy('in use by another process', remedy);
}
