import { type FileHandle, mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Batch } from '../../schemas/pipe/batch.js';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/errors.js';
import { counted, countLines, writeAll, writeFile } from '../../schemas/pipe/fd.js';
import type { Line } from '../../schemas/pipe/line.js';
import { say } from '../../schemas/pipe/say.js';
import type { Scanned } from '../../schemas/pipe/scan/scanned.js';
import type { Output } from '../../schemas/pipe/stage.js';
import { closedName } from './closed.js';
import { Full, type OnFull } from './full.js';
import { repair } from './repair.js';

const command = 'sink-file';
const newline = 10;
/** A write of fewer bytes is done before a thread would have begun it. */
const worthThread = 1 << 17;

export interface Manner {
  mkdir: boolean;
  onFull: OnFull;
}

/**
 * One open file that whole lines are appended to. Lines count as stored once written; when a write fails in the middle
 * of a line the file is cut back to the line's start, so that a reader never sees half an event.
 */
export class Writer {
  /** How long the file is, without what is held. */
  size = 0;
  regular = false;
  #file: FileHandle | undefined;
  #dirty = false;
  #moved = false;
  #batch = new Batch();
  #written = new Batch(); // the one whose bytes are written, by turns
  #writing: Promise<void> | undefined;
  #underWay = 0; // bytes
  readonly #full: Full;

  constructor(
    readonly path: string,
    private readonly manner: Manner,
  ) {
    this.#full = new Full(manner.onFull, path);
  }

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

  /** What it holds, and is writing, in bytes. */
  get held(): number {
    return this.#batch.length + this.#underWay;
  }

  add({ buffer, start, end, stays }: Line): void {
    if (stays) this.#batch.line(buffer, start, end + 1);
    else this.#batch.bytes(buffer, start, end);
  }

  /** Adds lines from where they stay until they are written, and closes the gaps between them. Returns their bytes. */
  addMany(lines: Scanned): number {
    const before = this.held;
    const start = this.#batch.behind(lines.buffer) ?? lines.start(0);
    this.#batch.line(lines.buffer, start, lines.pack(start), lines.count);
    return this.held - before;
  }

  /** The file may have been moved away (logrotate): from the next write on, the path is another file. */
  moved(): void {
    this.#moved = true;
    this.#full.retry();
  }

  /** The stage is to end soon: does not wait for space any longer. */
  stop(): void {
    this.#full.stop();
  }

  /** Writes what is held, and counts it. */
  async write(out: Pick<Output, 'stored' | 'lost'>): Promise<void> {
    await this.settled();
    await this.#write(out);
  }

  /** The same, but where that is much, beside what comes meanwhile: it is under way until it has `settled`. */
  async begin(out: Pick<Output, 'stored' | 'lost'>): Promise<void> {
    await this.settled();
    if (this.#batch.length < worthThread || !this.regular) return this.#write(out);
    this.#underWay = this.#batch.length;
    this.#writing = this.#write(out);
    this.#writing.catch(() => {}); // it is told when it has settled
  }

  async settled(): Promise<void> {
    const writing = this.#writing;
    this.#writing = undefined;
    try {
      await writing;
    } finally {
      this.#underWay = 0;
    }
  }

  async #write(out: Pick<Output, 'stored' | 'lost'>): Promise<void> {
    [this.#batch, this.#written] = [this.#written, this.#batch];
    let due = this.#written.lines;
    let rest = this.#written.take();
    while (due > 0 || this.#moved) {
      if (this.#moved) await this.#reopen();
      const gap = this.#full.gap();
      const gapLeft = gap.length > 0 ? await this.#append(gap) : undefined;
      if (gap.length > 0 && !gapLeft) this.#full.told();
      const left = gapLeft ? { ...gapLeft, bytes: rest } : await this.#append(rest);
      const lost = left ? countLines(left.bytes) : 0;
      out.stored(due - lost);
      if (!left) return this.#full.over();
      const next = await this.#full.met(left.error, lost);
      if (next === 'exit') throw failure('write', this.path, left.error, `, ${counted(lost)} not written`);
      if (next === 'drop') return out.lost('disk full', lost);
      rest = left.bytes;
      due = lost;
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
    const gap = this.#full.gap();
    if (gap.length > 0) await this.#append(gap);
    this.#full.end();
    await this.#close();
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #reopen(): Promise<void> {
    this.#moved = false;
    await this.#close();
    await this.open().catch((error) => say(command, error.message)); // the next line tries again
  }

  async #whole(): Promise<{ size: number; mtimeMs: number }> {
    const file = this.#file as FileHandle;
    const found = await file.stat();
    this.regular = found.isFile();
    const told = this.regular && (await repair(this.path, found.size));
    if (told) say(command, `${this.path}: ${told}`);
    this.size = told ? (await file.stat()).size : found.size;
    return { size: this.size, mtimeMs: found.mtimeMs };
  }

  /** Appends whole lines. Returns those that it could not write, and why. */
  async #append(bytes: Buffer): Promise<{ bytes: Buffer; error: unknown } | undefined> {
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
}

function failure(what: string, path: string, error: unknown, loss = ''): RuntimeError {
  return new RuntimeError(`cannot ${what} ${path}: ${cause(error)}${loss}; ${remedy(error)}`);
}
