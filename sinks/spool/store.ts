import { randomUUID } from 'node:crypto';
import type { Line } from '../../schemas/pipe/line/line.js';
import { OutputBuffer } from '../../schemas/pipe/stage/output-buffer.js';

/** Lines that are delivered together. */
export interface Batch {
  /** Lets a receiver recognise the batch: it is the same at each try and after a restart. */
  id: string;
  /** When its first line was added (ms since the epoch). */
  began: number;
  /** How many of its lines come from this run. */
  lines: number;
  bytes: number;
  /** Returns its lines, each with its newline. Throws Damaged if they are lost. */
  read(): Promise<Buffer>;
}

/** Keeps lines until they are delivered. Lines are added to one batch until it is sealed. Sealed batches can be taken. */
export interface Store {
  /** The bytes and lines of the batch being collected, and when it was started. */
  readonly held: number;
  readonly heldLines: number;
  readonly began: number;
  /** There is not enough room for another batch. */
  readonly full: boolean;
  /** How many lines of this run are not delivered. */
  readonly waiting: number;
  /** How many bytes are not delivered, including those of earlier runs. */
  readonly bytes: number;
  /** Whether lines can be added. If not, call `begin` first. */
  readonly ready: boolean;
  /** Opens the store. `sealed` is called whenever there is a batch to take. */
  open(sealed: () => void): Promise<void>;
  begin(): Promise<void>;
  /** Adds a line. Its bytes must not change before `flush`. */
  add(line: Line): void;
  flush(): Promise<void>;
  seal(): Promise<void>;
  /** Returns the oldest sealed batch that was not taken yet. */
  take(): Batch | undefined;
  /** Removes a batch that was delivered. */
  done(batch: Batch): Promise<void>;
  /** Returns a function that tests whether all lines flushed before this call are safe: delivered or on disk. */
  mark(): () => boolean;
  /** Stops waiting for space. */
  stop(): void;
  close(): Promise<void>;
}

/** Keeps at most `most` sealed batches, in memory. */
export class MemoryStore implements Store {
  began = 0;
  heldLines = 0;
  waiting = 0;
  #lines = new OutputBuffer();
  #parts: Buffer[] = [];
  #bytes = 0;
  #sealed: Batch[] = [];
  readonly #undelivered = new Map<string, number>(); // the numbers of sealed batches by id, oldest first
  #number = 0; // of the batch being collected
  #taken = 0;
  #onSealed = () => {};
  #sealedBytes = 0; // of batches not delivered yet

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

  add(line: Line): void {
    if (this.heldLines === 0) this.began = Date.now();
    this.#lines.add(line);
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

  /** The number of the oldest undelivered batch. If all sealed ones are delivered, it is the batch being collected. */
  get #oldest(): number {
    return this.#undelivered.values().next().value ?? this.#number;
  }
}
