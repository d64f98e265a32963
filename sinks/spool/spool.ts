import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { counted, countLines } from '../../schemas/pipe/io/fd.js';
import { openLocked } from '../../schemas/pipe/io/lock.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { Batch as Lines } from '../../schemas/pipe/stage/batch.js';
import { Full } from '../file/full.js';
import { failure, WholeLines } from '../file/whole-lines.js';
import { check, Damaged, readSpooled } from './damage.js';
import type { Batch, Store } from './store.js';
import { sizeOf, takeOver } from './take-over.js';

const named = /^(\d{14})-\d{6}-([0-9a-f-]{36})(?:-([0-9a-f]{8}))?\.(open|ndjson)$/;

interface Sealed {
  name: string;
  bytes: number;
  /** How many lines of this run it has. */
  lines: number;
  isOwn: boolean;
}

export interface SpoolOptions {
  stage: string;
  folder: string;
  /** Bytes. */
  most: number;
  lock: boolean;
}

/**
 * In files of a folder, one for each batch. A file's name is when the batch was begun and its id; it ends in `.open` while
 * lines are added, and has their checksum once it is sealed. What is read back is checked: a damaged file is set aside.
 * Lines that the disk has no room for keep the input waiting, while what was written before is delivered.
 */
export class Spool implements Store {
  began = 0;
  waiting = 0;
  ready = false;
  #name = '';
  #number = 0;
  #lines = new Lines(); // not written yet
  #file: WholeLines | undefined;
  #written = { lines: 0, sum: 0 }; // to it
  #sealed: Sealed[] = [];
  readonly #taken = new Map<string, Sealed>();
  #bytes = 0; // of all the sealed ones
  #lock: FileHandle | undefined;
  #onSealed = () => {};
  readonly #full: Full;

  constructor(private readonly options: SpoolOptions) {
    const { folder, stage } = options;
    this.#full = new Full(folder, { stage, onFull: 'block' }, folder);
  }

  get held(): number {
    return (this.#file?.size ?? 0) + this.#lines.length;
  }

  get heldLines(): number {
    return this.#written.lines + this.#lines.lines;
  }

  get bytes(): number {
    return this.#bytes + this.held;
  }

  get full(): boolean {
    return this.bytes > this.options.most;
  }

  /** Takes over what an earlier run left. */
  async open(sealed: () => void): Promise<void> {
    this.#onSealed = sealed;
    const { folder, stage, lock } = this.options;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = this.#path('lock');
      if (lock) this.#lock = await openLocked(path, () => open(path, 'a', 0o600), stage);
      for (const name of (await readdir(folder)).filter((one) => named.test(one)).sort()) await this.#takeOver(name);
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      throw new RuntimeError(`cannot use the spool ${folder}: ${cause(error)}; ${remedy(error)}`);
    }
  }

  add({ buffer, start, end, stays }: Line): void {
    if (stays) this.#lines.line(buffer, start, end + 1);
    else this.#lines.bytes(buffer, start, end);
    this.waiting++;
  }

  async begin(): Promise<void> {
    this.began = Date.now();
    this.#name = [
      String(this.began).padStart(14, '0'),
      String(this.#number++ % 1e6).padStart(6, '0'),
      randomUUID(),
    ].join('-');
    this.ready = true;
  }

  /** Once it returns, a crash of this process does not lose the lines. */
  async flush(): Promise<void> {
    for (let bytes = this.#lines.take(); bytes.length > 0; ) {
      const { stage } = this.options;
      this.#file ??= new WholeLines(this.#path(`${this.#name}.open`), { stage, mkdir: false, lock: 'none' });
      const left = await this.#file.append(bytes);
      const done = bytes.subarray(0, bytes.length - (left?.bytes.length ?? 0));
      this.#written.lines += countLines(done);
      this.#written.sum = crc32(done, this.#written.sum);
      if (!left) return this.#full.over();
      await this.#seal(); // delivering it makes room
      const lines = countLines(left.bytes);
      if ((await this.#full.met(left.error, lines)) === 'exit')
        throw failure('write', this.options.folder, left.error, `, ${counted(lines)} not written`);
      if (!this.ready) await this.begin();
      bytes = left.bytes;
    }
  }

  async seal(): Promise<void> {
    await this.flush();
    await this.#seal();
  }

  /** What was flushed is on disk, and the next run delivers it. */
  mark(): () => boolean {
    return () => true;
  }

  take(): Batch | undefined {
    const next = this.#sealed.shift();
    if (!next) return undefined;
    const [, began, id] = named.exec(next.name) as unknown as [string, string, string];
    this.#taken.set(id, next);
    return { id, began: Number(began), lines: next.lines, bytes: next.bytes, read: () => this.#read(id, next) };
  }

  async done({ id }: Batch): Promise<void> {
    const { name } = this.#taken.get(id) as Sealed;
    await rm(this.#path(name), { force: true }).catch((error) => {
      throw failure('delete', this.#path(name), error);
    });
    this.#forget(id);
    this.#full.retry();
  }

  stop(): void {
    this.#full.stop();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    if (this.#lock) await rm(this.#path('lock'), { force: true }); // while it is locked: a successor looks twice
    await this.#lock?.close();
    this.#lock = undefined;
  }

  #path(name: string): string {
    return join(this.options.folder, name);
  }

  /** Seals what was written. */
  async #seal(): Promise<void> {
    const file = this.#file;
    if (!file || this.#written.lines === 0) return;
    await file.sync();
    const name = `${this.#name}-${this.#written.sum.toString(16).padStart(8, '0')}.ndjson`;
    await file.rename(this.#path(name)).catch((error) => {
      throw failure('rename', file.path, error);
    });
    this.#push({ name, bytes: file.size, lines: this.#written.lines, isOwn: true });
    this.#file = undefined;
    this.#written = { lines: 0, sum: 0 };
    this.ready = false;
    this.#onSealed();
  }

  #push(sealed: Sealed): void {
    this.#sealed.push(sealed);
    this.#bytes += sealed.bytes;
  }

  /** Reads a batch. Throws Damaged once its file was set aside. */
  async #read(id: string, { name, isOwn }: Sealed): Promise<Buffer> {
    try {
      return check(await readSpooled(this.#path(name)), named.exec(name)?.[3] as string, isOwn);
    } catch (error) {
      if (!(error instanceof Damaged)) throw failure('read', this.#path(name), error);
      await this.#setAside(name, error);
      this.#forget(id);
      throw error;
    }
  }

  #forget(id: string): void {
    const { bytes, lines } = this.#taken.get(id) as Sealed;
    this.#taken.delete(id);
    this.#bytes -= bytes;
    this.waiting -= lines;
  }

  async #takeOver(name: string): Promise<void> {
    const path = this.#path(name);
    const [, , , sum] = named.exec(name) as unknown as (string | undefined)[];
    try {
      const bytes = await sizeOf(path);
      if (sum !== undefined) return this.#push({ name, bytes, lines: 0, isOwn: false });
      const base = name.replace(/\.\w+$/, '');
      const left = await takeOver(path, (one) => this.#path(`${base}-${one}.ndjson`), this.options.stage);
      if (left) this.#push({ name: basename(left.path), bytes: left.bytes, lines: 0, isOwn: false });
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      await this.#setAside(name, error);
    }
  }

  async #setAside(name: string, { message }: Damaged): Promise<void> {
    const path = this.#path(name);
    logMessage(this.options.stage, `${path}: ${message}; set aside as ${path}.bad`);
    await rename(path, `${path}.bad`).catch((error) => {
      if (error.code !== 'ENOENT') throw failure('set aside', path, error);
    });
  }
}
