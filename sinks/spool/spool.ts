import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { counted, countLines } from '../../schemas/pipe/io/fd.js';
import { openLocked } from '../../schemas/pipe/io/lock.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { OutputBuffer } from '../../schemas/pipe/stage/output-buffer.js';
import { DiskFullHandler } from '../file/disk-full.js';
import { fileError, LineFile } from '../file/line-file.js';
import { check, Damaged, readSpooled } from './damage.js';
import type { Batch, Store } from './store.js';
import { sizeOf, takeOver } from './take-over.js';

const fileName = /^(\d{14})-\d{6}-([0-9a-f-]{36})(?:-([0-9a-f]{8}))?\.(open|ndjson)$/;

interface Sealed {
  name: string;
  bytes: number;
  /** How many lines from this run it contains. */
  lines: number;
  fromThisRun: boolean;
}

export interface SpoolOptions {
  stage: string;
  folder: string;
  /** The maximum size in bytes. */
  most: number;
  lock: boolean;
  /** Whether its lines may be any JSON objects. */
  lenient: boolean;
}

/**
 * Stores batches in a folder, one file each. The file's name has the batch's start time and id; it ends in `.open` while
 * lines are added, and contains a checksum once the batch is sealed. Files are checked when they are read back, and a damaged
 * one is set aside. If the disk is full, the input waits while batches written earlier are delivered.
 */
export class Spool implements Store {
  began = 0;
  waiting = 0;
  ready = false;
  #name = '';
  #number = 0;
  #lines = new OutputBuffer(); // not written to the file yet
  #file: LineFile | undefined;
  #written = { lines: 0, sum: 0 }; // to the file
  #sealed: Sealed[] = [];
  readonly #taken = new Map<string, Sealed>();
  #bytes = 0; // of all sealed batches
  #lock: FileHandle | undefined;
  #onSealed = () => {};
  readonly #diskFull: DiskFullHandler;

  constructor(private readonly options: SpoolOptions) {
    const { folder, stage } = options;
    this.#diskFull = new DiskFullHandler(folder, { stage, onFull: 'block' }, folder);
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

  /** Locks the folder and takes over the batches that an earlier run left. */
  async open(sealed: () => void): Promise<void> {
    this.#onSealed = sealed;
    const { folder, stage, lock } = this.options;
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const path = this.#path('lock');
      if (lock) this.#lock = await openLocked(path, () => open(path, 'a', 0o600), stage);
      for (const name of (await readdir(folder)).filter((one) => fileName.test(one)).sort()) await this.#takeOver(name);
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      throw new RuntimeError(`cannot use the spool ${folder}: ${cause(error)}; ${remedy(error)}`);
    }
  }

  add(line: Line): void {
    this.#lines.add(line);
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

  /** Writes the lines held to the file. After that, a crash of this process does not lose them. */
  async flush(): Promise<void> {
    for (let bytes = this.#lines.take(); bytes.length > 0; ) {
      const { stage } = this.options;
      this.#file ??= new LineFile(this.#path(`${this.#name}.open`), { stage, mkdir: false, lock: 'none' });
      const left = await this.#file.append(bytes);
      const done = bytes.subarray(0, bytes.length - (left?.bytes.length ?? 0));
      this.#written.lines += countLines(done);
      this.#written.sum = crc32(done, this.#written.sum);
      if (!left) return this.#diskFull.writeSucceeded();
      await this.#seal(); // delivering the batch frees space
      const lines = countLines(left.bytes);
      if ((await this.#diskFull.writeFailed(left.error, lines)) === 'exit')
        throw fileError('write', this.options.folder, left.error, `, ${counted(lines)} not written`);
      if (!this.ready) await this.begin();
      bytes = left.bytes;
    }
  }

  async seal(): Promise<void> {
    await this.flush();
    await this.#seal();
  }

  /** Everything flushed is on disk, and the next run delivers it. */
  mark(): () => boolean {
    return () => true;
  }

  take(): Batch | undefined {
    const next = this.#sealed.shift();
    if (!next) return undefined;
    const [, began, id] = fileName.exec(next.name) as unknown as [string, string, string];
    this.#taken.set(id, next);
    return { id, began: Number(began), lines: next.lines, bytes: next.bytes, read: () => this.#read(id, next) };
  }

  async done({ id }: Batch): Promise<void> {
    const { name } = this.#taken.get(id) as Sealed;
    await rm(this.#path(name), { force: true }).catch((error) => {
      throw fileError('delete', this.#path(name), error);
    });
    this.#forget(id);
    this.#diskFull.retry();
  }

  stop(): void {
    this.#diskFull.stop();
  }

  async close(): Promise<void> {
    await this.#file?.close();
    if (this.#lock) await rm(this.#path('lock'), { force: true }); // while locked: see openLocked
    await this.#lock?.close();
    this.#lock = undefined;
  }

  #path(name: string): string {
    return join(this.options.folder, name);
  }

  /** Seals the open file, if it has lines. */
  async #seal(): Promise<void> {
    const file = this.#file;
    if (!file || this.#written.lines === 0) return;
    await file.sync();
    const name = `${this.#name}-${this.#written.sum.toString(16).padStart(8, '0')}.ndjson`;
    await file.rename(this.#path(name)).catch((error) => {
      throw fileError('rename', file.path, error);
    });
    this.#push({ name, bytes: file.size, lines: this.#written.lines, fromThisRun: true });
    this.#file = undefined;
    this.#written = { lines: 0, sum: 0 };
    this.ready = false;
    this.#onSealed();
  }

  #push(sealed: Sealed): void {
    this.#sealed.push(sealed);
    this.#bytes += sealed.bytes;
  }

  /** Reads a batch. If its file is damaged, sets the file aside and throws Damaged. */
  async #read(id: string, { name, fromThisRun }: Sealed): Promise<Buffer> {
    try {
      return check(
        await readSpooled(this.#path(name)),
        fileName.exec(name)?.[3] as string,
        fromThisRun,
        this.options.lenient,
      );
    } catch (error) {
      if (!(error instanceof Damaged)) throw fileError('read', this.#path(name), error);
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
    const [, , , sum] = fileName.exec(name) as unknown as (string | undefined)[];
    try {
      const bytes = await sizeOf(path);
      if (sum !== undefined) return this.#push({ name, bytes, lines: 0, fromThisRun: false });
      const base = name.replace(/\.\w+$/, '');
      const left = await takeOver(path, (one) => this.#path(`${base}-${one}.ndjson`), this.options);
      if (left) this.#push({ name: basename(left.path), bytes: left.bytes, lines: 0, fromThisRun: false });
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      await this.#setAside(name, error);
    }
  }

  async #setAside(name: string, { message }: Damaged): Promise<void> {
    const path = this.#path(name);
    logMessage(this.options.stage, `${path}: ${message}; set aside as ${path}.bad`);
    await rename(path, `${path}.bad`).catch((error) => {
      if (error.code !== 'ENOENT') throw fileError('set aside', path, error);
    });
  }
}
