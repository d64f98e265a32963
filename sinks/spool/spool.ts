import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { cause, RuntimeError, remedy } from '../../schemas/pipe/errors.js';
import type { Line } from '../../schemas/pipe/line.js';
import { Writer } from '../file/writer.js';
import { Lock } from './lock.js';
import type { Batch, Store } from './store.js';

const named = /^(\d{14})-\d{6}-([0-9a-f-]{36})\.(open|ndjson)$/;

interface Sealed {
  name: string;
  bytes: number;
  lines: number;
}

/**
 * In files of a folder, one for each batch, so that neither a long outage nor a crash loses a line that was read. A file's
 * name is when the batch was begun and its id; it ends in `.open` while lines are added. Lines that the disk has no room
 * for keep the input waiting.
 */
export class Spool implements Store {
  began = 0;
  heldLines = 0;
  waiting = 0;
  #writer: Writer | undefined;
  #name = '';
  #number = 0;
  #sealed: Sealed[] = [];
  readonly #taken = new Map<string, Sealed>();
  #bytes = 0; // of all the sealed ones
  readonly #lock: Lock;
  readonly #stored = { stored: () => {}, lost: () => {} };

  constructor(
    private readonly stage: string,
    private readonly folder: string,
    private readonly most: number,
  ) {
    this.#lock = new Lock(join(folder, 'lock'));
  }

  get held(): number {
    return this.#writer?.size ?? 0;
  }

  get bytes(): number {
    return this.#bytes + this.held;
  }

  get full(): boolean {
    return this.bytes > this.most;
  }

  get ready(): boolean {
    return this.#writer !== undefined;
  }

  /** Takes over what an earlier run left. */
  async open(): Promise<void> {
    try {
      await mkdir(this.folder, { recursive: true, mode: 0o700 });
      await this.#lock.take();
      for (const name of (await readdir(this.folder)).filter((one) => named.test(one)).sort())
        await this.#takeOver(name);
    } catch (error) {
      if (error instanceof RuntimeError) throw error;
      throw new RuntimeError(`cannot use the spool ${this.folder}: ${cause(error)}; ${remedy(error)}`);
    }
  }

  add(line: Line): void {
    this.#writer?.add(line);
    this.heldLines++;
    this.waiting++;
  }

  async begin(): Promise<void> {
    this.began = Date.now();
    this.#name = [
      String(this.began).padStart(14, '0'),
      String(this.#number++ % 1e6).padStart(6, '0'),
      randomUUID(),
    ].join('-');
    this.#writer = new Writer(join(this.folder, `${this.#name}.open`), {
      stage: this.stage,
      mkdir: false,
      onFull: 'block',
    });
    await this.#writer.open();
  }

  async flush(): Promise<void> {
    await this.#writer?.write(this.#stored);
  }

  async seal(): Promise<void> {
    const writer = this.#writer;
    if (!writer) return;
    await writer.write(this.#stored);
    await writer.sync();
    await writer.close();
    const name = `${this.#name}.ndjson`;
    await rename(writer.path, join(this.folder, name));
    this.#push({ name, bytes: writer.size, lines: this.heldLines });
    this.#writer = undefined;
    this.heldLines = 0;
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
    const read = () => readFile(join(this.folder, next.name));
    return { id, began: Number(began), lines: next.lines, bytes: next.bytes, read };
  }

  async done({ id, lines }: Batch): Promise<void> {
    const { name, bytes } = this.#taken.get(id) as Sealed;
    await unlink(join(this.folder, name));
    this.#taken.delete(id);
    this.#bytes -= bytes;
    this.waiting -= lines;
  }

  stop(): void {
    this.#writer?.stop();
  }

  async close(): Promise<void> {
    await this.#writer?.close();
    await this.#lock.release();
  }

  #push(sealed: Sealed): void {
    this.#sealed.push(sealed);
    this.#bytes += sealed.bytes;
  }

  async #takeOver(name: string): Promise<void> {
    const path = join(this.folder, name);
    if (name.endsWith('.ndjson')) return this.#push({ name, bytes: (await stat(path)).size, lines: 0 });
    const torn = new Writer(path, { stage: this.stage, mkdir: false, onFull: 'exit' });
    await torn.open(); // makes it whole
    await torn.close();
    if (torn.size === 0) return await unlink(path);
    const sealed = name.replace(/open$/, 'ndjson');
    await rename(path, join(this.folder, sealed));
    this.#push({ name: sealed, bytes: torn.size, lines: 0 });
  }
}
