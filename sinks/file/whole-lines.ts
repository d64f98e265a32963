import { fstatSync, statSync } from 'node:fs';
import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAll, writeFile } from '../../schemas/pipe/io/fd.js';
import { names, openLocked, tryLock, unlock } from '../../schemas/pipe/io/lock.js';
import { cause, ErrorWithRemedy, RuntimeError, remedy } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { closedName } from './closed.js';
import { repair } from './repair.js';

const newline = 10;
/** A write of fewer bytes is done before a thread would have begun it. */
export const worthThread = 1 << 17;
/** How often another process of --shared is asked for its turn, and how long apart (ms). */
const turns = 6_000;
const turnMs = 5;
const inUse = 'give each its own file, or use --shared for all of them';

/** Whole lines that a write left over, and why. */
export interface Left {
  bytes: Buffer;
  error: unknown;
}

/** Which other processes may write to a file: none, those that lock it for each write too, or the user sees to it. */
export type Lock = 'own' | 'shared' | 'none';

export interface FileOptions {
  /** The command, for messages. */
  stage: string;
  mkdir: boolean;
  lock: Lock;
}

/**
 * An open file that whole lines are appended to: when a write fails in the middle of a line the file is cut back to the
 * line's start, so that a reader never sees half an event.
 */
export class WholeLines {
  /** How long the file is. */
  size = 0;
  regular = false;
  #file: FileHandle | undefined;
  #dirty = false;
  #linked = false; // it had a name when it was opened

  constructor(
    readonly path: string,
    private readonly options: FileOptions,
  ) {}

  /** Opens the file, and makes it whole. One last written before `since` (ms) is first moved to its closed name. */
  async open(since = 0): Promise<void> {
    try {
      const modified = await this.#open();
      if (!this.regular || this.size === 0 || modified >= since) return;
      await this.rename(closedName(this.path, modified));
      await this.#open();
    } catch (error) {
      throw failure('open', this.path, error);
    }
  }

  /** Gives the file another name, and closes it: until then, no other process can have it. */
  async rename(to: string): Promise<void> {
    if (!this.strayed()) await rename(this.path, to);
    await this.close();
  }

  /** Appends whole lines, to what the path is now if it was closed. Returns those that it could not write. */
  async append(bytes: Buffer): Promise<Left | undefined> {
    let file: FileHandle;
    try {
      if (!this.#file) await this.#open();
      file = this.options.lock === 'shared' && this.regular ? await this.#turn() : (this.#file as FileHandle);
    } catch (error) {
      return { bytes, error };
    }
    const left = await this.#append(file, bytes);
    if (this.options.lock === 'shared' && this.regular) unlock(file.fd);
    if (left || !this.#linked || fstatSync(file.fd).nlink > 0) return left;
    logMessage(this.options.stage, `${this.path} was deleted; writing to a new file of that name`);
    await this.close();
    return this.append(bytes); // they went with it
  }

  /** What has happened to the path: the file was deleted, or has another name. */
  strayed(): 'deleted' | 'moved' | undefined {
    if (!this.#file || !this.#linked) return undefined;
    const { dev, ino, nlink } = fstatSync(this.#file.fd);
    if (nlink === 0) return 'deleted';
    const now = statSync(this.path, { throwIfNoEntry: false });
    return now?.dev === dev && now.ino === ino ? undefined : 'moved';
  }

  /** Has the disk confirm what was written. */
  async sync(): Promise<void> {
    if (!this.#dirty || !this.regular) return;
    this.#dirty = false;
    try {
      await this.#file?.datasync();
    } catch (error) {
      throw failure('sync', this.path, error, ', lines already written may be missing');
    }
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #append(file: FileHandle, bytes: Buffer): Promise<Left | undefined> {
    this.#dirty = true;
    try {
      if (this.regular && bytes.length < worthThread) writeFile(file.fd, bytes);
      else await writeAll(file.fd, bytes);
      this.size += bytes.length;
      return undefined;
    } catch (error) {
      const { code, written } = error as { code: string; written: number };
      if (code === 'EPIPE') throw error; // a FIFO whose reader is gone
      const whole = bytes.subarray(0, written).lastIndexOf(newline) + 1;
      if (this.regular && whole < written) await file.truncate((await file.stat()).size - (written - whole));
      this.size += whole;
      return { bytes: bytes.subarray(whole), error };
    }
  }

  /** Opens the file, locked, and makes it whole. Returns when it was last written (ms). */
  async #open(): Promise<number> {
    const { path, options } = this;
    if (options.mkdir) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const opens = () => open(path, 'a', 0o600);
    const file = options.lock === 'own' ? await openLocked(path, opens, options.stage, inUse) : await opens();
    this.#file = file;
    try {
      const found = await file.stat();
      this.regular = found.isFile();
      this.#linked = this.regular && found.nlink > 0;
      this.size = found.size;
      if (options.lock !== 'shared') await this.#repair(file);
      return found.mtimeMs;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Waits until no other process writes to what the path is now. */
  async #turn(): Promise<FileHandle> {
    for (let tried = 0; tried < turns; tried++) {
      if (!this.#file) await this.#open();
      const file = this.#file as unknown as FileHandle;
      if (tryLock(file.fd, this.path, this.options.stage)) {
        if (await names(this.path, file)) {
          await this.#repair(file);
          return file;
        }
        await this.close();
      } else await sleep(turnMs);
    }
    throw new ErrorWithRemedy('in use by another process', inUse);
  }

  async #repair(file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    const done = this.regular && (await repair(this.path, size));
    if (done) logMessage(this.options.stage, `${this.path}: ${done}`);
    this.size = done ? (await file.stat()).size : size;
  }
}

export function failure(what: string, path: string, error: unknown, loss = ''): RuntimeError {
  return new RuntimeError(`cannot ${what} ${path}: ${cause(error)}${loss}; ${remedy(error)}`);
}
