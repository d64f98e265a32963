import { randomUUID } from 'node:crypto';
import type { Line } from '../../schemas/pipe/line/line.js';
import { Batch as Held } from '../../schemas/pipe/stage/batch.js';

/** Lines that are sent together. */
export interface Batch {
  /** By which a receiver may know it again: the same at each try, and after a restart. */
  id: string;
  /** When it was begun (ms since the epoch). */
  began: number;
  /** How many of its lines are of this run. */
  lines: number;
  bytes: number;
  /** Whole lines. Throws Damaged if they are lost: the file they were in is set aside. */
  read(): Promise<Buffer>;
}

/** Keeps lines until they are delivered. Lines are added to one batch until that is sealed; sealed ones can be taken. */
export interface Store {
  /** The bytes and lines of the batch that is collected, and when it was begun. */
  readonly held: number;
  readonly heldLines: number;
  readonly began: number;
  /** There is no room for another batch. */
  readonly full: boolean;
  /** How many lines are not delivered, of earlier runs too where they are known. */
  readonly waiting: number;
  /** How many bytes are not delivered. */
  readonly bytes: number;
  /** Lines can be added; else `begin` is to be called first. */
  readonly ready: boolean;
  /** `sealed` is called when there is a batch to take. */
  open(sealed: () => void): Promise<void>;
  begin(): Promise<void>;
  /** The line's bytes must stay as they are until `flush`. */
  add(line: Line): void;
  flush(): Promise<void>;
  seal(): Promise<void>;
  /** The oldest sealed batch that was not taken. */
  take(): Batch | undefined;
  /** It was delivered. */
  done(batch: Batch): Promise<void>;
  /** Returns a test of whether all lines that were added and flushed until now are safe: delivered, or on disk. */
  mark(): () => boolean;
  /** What waits for room is to give up. */
  stop(): void;
  close(): Promise<void>;
}

/** In memory: so many sealed batches at most. */
export class Memory implements Store {
  began = 0;
  heldLines = 0;
  waiting = 0;
  #lines = new Held();
  #parts: Buffer[] = [];
  #bytes = 0;
  #sealed: Batch[] = [];
  readonly #undelivered = new Map<string, number>(); // sealed batches by id: their numbers, the oldest first
  #number = 0; // of the batch that is collected
  #taken = 0;
  #onSealed = () => {};
  #sealedBytes = 0; // and not delivered

  constructor(private readonly most: number) {}

  get held(): number {
    return this.#bytes + this.#lines.length;
  }

  get bytes(): number {
    return this.#sealedBytes + this.held;
  }

  get full(): boolean {
    return this.#sealed.length + this.#taken >= this.most;
  }

  readonly ready = true;

  async open(sealed: () => void): Promise<void> {
    this.#onSealed = sealed;
  }

  async begin(): Promise<void> {}

  add({ buffer, start, end, stays }: Line): void {
    if (this.heldLines === 0) this.began = Date.now();
    if (stays) this.#lines.line(buffer, start, end + 1);
    else this.#lines.bytes(buffer, start, end);
    this.heldLines++;
    this.waiting++;
  }

  async flush(): Promise<void> {
    if (this.#lines.lines === 0) return;
    const bytes = Buffer.from(this.#lines.take());
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
  }

  async seal(): Promise<void> {
    await this.flush();
    const bytes = Buffer.concat(this.#parts);
    const { began, heldLines: lines } = this;
    const id = randomUUID();
    this.#sealed.push({ id, began, lines, bytes: bytes.length, read: async () => bytes });
    this.#undelivered.set(id, this.#number++);
    this.#sealedBytes += bytes.length;
    this.#parts = [];
    this.#bytes = this.heldLines = 0;
    this.#onSealed();
  }

  take(): Batch | undefined {
    const batch = this.#sealed.shift();
    if (batch) this.#taken++;
    return batch;
  }

  mark(): () => boolean {
    const after = this.#number + (this.heldLines > 0 ? 1 : 0);
    return () => this.#oldest >= after;
  }

  async done({ id, lines, bytes }: Batch): Promise<void> {
    this.#undelivered.delete(id);
    this.#taken--;
    this.#sealedBytes -= bytes;
    this.waiting -= lines;
  }

  stop(): void {}

  async close(): Promise<void> {}

  /** The number of the oldest batch that is not delivered: the collected one, if all others are. */
  get #oldest(): number {
    return this.#undelivered.values().next().value ?? this.#number;
  }
}
