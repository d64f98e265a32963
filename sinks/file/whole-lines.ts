import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/errors.js';
import { writeAll, writeFile } from '../../schemas/pipe/fd.js';
import { say } from '../../schemas/pipe/say.js';
import { closedName } from './closed.js';
import { repair } from './repair.js';

const newline = 10;
/** A write of fewer bytes is done before a thread would have begun it. */
export const worthThread = 1 << 17;

/** Whole lines that a write left over, and why. */
export interface Left {
  bytes: Buffer;
  error: unknown;
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

  constructor(
    readonly path: string,
    private readonly manner: { stage: string; mkdir: boolean },
  ) {}

  /** Opens the file, and makes it whole. One last written before `since` (ms) is first moved to its closed name. */
  async open(since = 0): Promise<void> {
    try {
      if (this.manner.mkdir) await mkdir(dirname(this.path), { recursive: true });
      this.#file = await open(this.path, 'a', 0o600);
      const { size, mtimeMs } = await this.#whole();
      if (!this.regular || size === 0 || mtimeMs >= since) return;
      await this.#file.close();
      await rename(this.path, closedName(this.path, mtimeMs));
      this.#file = await open(this.path, 'a', 0o600);
      this.size = 0;
    } catch (error) {
      throw failure('open', this.path, error);
    }
  }

  /** Opens what the path is now; where that cannot be, the next write tries again. */
  async reopen(): Promise<void> {
    await this.close();
    await this.open().catch((error) => say(this.manner.stage, error.message));
  }

  /** Appends whole lines. Returns those that it could not write. */
  async append(bytes: Buffer): Promise<Left | undefined> {
    if (!this.#file) await this.open(); // a reopen failed
    const file = this.#file as FileHandle;
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

  async #whole(): Promise<{ size: number; mtimeMs: number }> {
    const file = this.#file as FileHandle;
    const found = await file.stat();
    this.regular = found.isFile();
    const told = this.regular && (await repair(this.path, found.size));
    if (told) say(this.manner.stage, `${this.path}: ${told}`);
    this.size = told ? (await file.stat()).size : found.size;
    return { size: this.size, mtimeMs: found.mtimeMs };
  }
}

export function failure(what: string, path: string, error: unknown, loss = ''): RuntimeError {
  return new RuntimeError(`cannot ${what} ${path}: ${cause(error)}${loss}; ${remedy(error)}`);
}
