import { fstatSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAll, writeFile } from '../../schemas/pipe/io/fd.js';
import { names, openLocked, tryLock, unlock } from '../../schemas/pipe/io/lock.js';
import { cause, ErrorWithRemedy, RuntimeError, remedy } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { type Access, applyAccess, makeFolder } from './access.js';
import { closedName } from './closed.js';
import { type Compression, loadCodec } from './codec.js';
import { Compressor } from './compressor.js';
import { repair } from './repair.js';
import { repairCompressed } from './repair-compressed.js';

const newline = 10;
/** Writes of fewer bytes are done at once: a thread would take longer to start. */
export const worthThread = 1 << 17;
/** With --shared: how often to try to get the lock, and how long to wait in between (ms). */
const lockTries = 6_000;
const lockRetryMs = 5;
const inUse = 'use a separate file for each, or --shared for all of them';

/** The whole lines that a write did not get to disk, and the error. */
export interface Unwritten {
  bytes: Buffer;
  error: unknown;
}

/** How the file is locked: all the time, for each write (by every process with --shared), or not at all (--no-lock). */
export type LockMode = 'own' | 'shared' | 'none';

export interface FileOptions {
  /** The name of the command, for messages. */
  stage: string;
  mkdir: boolean;
  lock: LockMode;
  /** How the file is compressed while it is written. */
  compression?: Compression | undefined;
  access?: Access;
}

/**
 * A file to which only whole lines are appended. If a write fails in the middle of a line, the file is truncated to the
 * start of that line, so that half an event does not stay in it.
 */
export class LineFile {
  /** The length of the file in bytes. */
  size = 0;
  regular = false;
  #file: FileHandle | undefined;
  #compressor: Compressor | undefined;
  #dirty = false;
  #hadName = false; // the file had a name when it was opened

  constructor(
    readonly path: string,
    private readonly options: FileOptions,
  ) {}

  /** Opens and repairs the file. A file last written before `since` (ms) is first renamed to its closed name. */
  async open(since = 0): Promise<void> {
    try {
      const modified = await this.#open();
      if (!this.regular || this.size === 0 || modified >= since) return;
      await this.rename(closedName(this.path, modified));
      await this.#open();
    } catch (error) {
      throw fileError('open', this.path, error);
    }
  }

  /** Renames the file, then closes it: the lock keeps other processes away until then. */
  async rename(to: string): Promise<void> {
    try {
      if (!this.pathChange()) await rename(this.path, to);
    } finally {
      await this.close();
    }
  }

  /** Deletes the empty file, which must be closed then. */
  async delete(): Promise<void> {
    if (!this.pathChange() && this.options.lock !== 'shared') await rm(this.path, { force: true });
  }

  /** Appends whole lines. Opens the path again if it was closed. Returns the lines that could not be written. */
  async append(bytes: Buffer): Promise<Unwritten | undefined> {
    let file: FileHandle;
    try {
      if (!this.#file) await this.#open();
      file = this.options.lock === 'shared' && this.regular ? await this.#lockForWrite() : (this.#file as FileHandle);
    } catch (error) {
      return { bytes, error };
    }
    const left = await this.#append(file, bytes);
    if (this.options.lock === 'shared' && this.regular) unlock(file.fd);
    if (left || !this.#hadName || fstatSync(file.fd).nlink > 0) return left;
    logMessage(this.options.stage, `${this.path} was deleted; writing to a new file of that name`);
    await this.close();
    return this.append(bytes); // the lines were deleted with the file
  }

  /** Returns whether the file was deleted, or the path no longer leads to it. */
  pathChange(): 'deleted' | 'moved' | undefined {
    if (!this.#file || !this.#hadName) return undefined;
    const { dev, ino, nlink } = fstatSync(this.#file.fd);
    if (nlink === 0) return 'deleted';
    const now = statSync(this.path, { throwIfNoEntry: false });
    return now?.dev === dev && now.ino === ino ? undefined : 'moved';
  }

  /** Syncs the file to disk. */
  async sync(): Promise<void> {
    if (!this.#dirty || !this.regular) return;
    this.#dirty = false;
    try {
      await this.#file?.datasync();
    } catch (error) {
      throw fileError('sync', this.path, error, ', lines already written may be lost');
    }
  }

  async close(): Promise<void> {
    const [file, compressor] = [this.#file, this.#compressor];
    this.#file = this.#compressor = undefined;
    try {
      const rest = compressor?.end(this.regular && this.size === 0);
      if (file && rest && rest.length > 0) await writeAll(file.fd, rest);
    } finally {
      await file?.close();
    }
  }

  async #append(file: FileHandle, bytes: Buffer): Promise<Unwritten | undefined> {
    this.#dirty = true;
    const compressed = await this.#compressor?.compress(bytes);
    const out = compressed ?? bytes;
    try {
      if (this.regular && out.length < worthThread) writeFile(file.fd, out);
      else await writeAll(file.fd, out);
      this.size += out.length;
      this.#compressor?.written(bytes);
      return undefined;
    } catch (error) {
      const { code, written } = error as { code: string; written: number };
      if (code === 'EPIPE') throw error; // a FIFO whose reader is gone
      this.#compressor?.failed();
      const whole = compressed ? 0 : bytes.subarray(0, written).lastIndexOf(newline) + 1;
      if (this.regular && whole < written) await file.truncate((await file.stat()).size - (written - whole));
      this.size += whole;
      return { bytes: bytes.subarray(whole), error };
    }
  }

  /** Opens, locks and repairs the file. Returns when it was last written (ms). */
  async #open(): Promise<number> {
    const { path, options } = this;
    if (options.mkdir) await makeFolder(dirname(path), options.access ?? {});
    const opens = () => open(path, 'a', 0o600);
    const file = options.lock === 'own' ? await openLocked(path, opens, options.stage, inUse) : await opens();
    this.#file = file;
    try {
      const found = await file.stat();
      this.regular = found.isFile();
      this.#hadName = this.regular && found.nlink > 0;
      this.size = found.size;
      if (this.regular) await applyAccess(file, found, options.access ?? {});
      if (options.lock !== 'shared') await this.#repair(file);
      if (options.compression) this.#compressor = new Compressor(await loadCodec(options.compression));
      return found.mtimeMs;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Locks the file that the path leads to now; waits while another process has the lock. */
  async #lockForWrite(): Promise<FileHandle> {
    for (let tried = 0; tried < lockTries; tried++) {
      if (!this.#file) await this.#open();
      const file = this.#file as unknown as FileHandle;
      if (tryLock(file.fd, this.path, this.options.stage)) {
        if (await names(this.path, file)) {
          await this.#repair(file);
          return file;
        }
        await this.close();
      } else await sleep(lockRetryMs);
    }
    throw new ErrorWithRemedy('in use by another process', inUse);
  }

  async #repair(file: FileHandle): Promise<void> {
    const { size } = await file.stat();
    const { compression } = this.options;
    const done =
      this.regular && (await (compression ? repairCompressed(this.path, size, compression) : repair(this.path, size)));
    if (done) logMessage(this.options.stage, `${this.path}: ${done}`);
    this.size = done ? (await file.stat()).size : size;
  }
}

export function fileError(what: string, path: string, error: unknown, loss = ''): RuntimeError {
  return new RuntimeError(`cannot ${what} ${path}: ${cause(error)}${loss}; ${remedy(error)}`);
}
