import { PendingLines } from './pending-lines.js';

/** The maximum size of all lines kept (bytes). */
const most = 64 << 20;

/** Keeps the latest lines. Lines are numbered from 0. */
export class Ring {
  readonly #lines: (Buffer | undefined)[];
  /** The keys of pending attempts that ended, by the number of the line with the outcome. */
  readonly #ends = new Map<number, string>();
  readonly pending: PendingLines;
  #bytes = 0;
  /** The number of the oldest line that is kept. */
  first = 0;
  /** The number of the next line, which is also how many lines there have been. */
  next = 0;

  constructor(readonly size: number) {
    this.#lines = new Array(size);
    this.pending = new PendingLines(size);
  }

  add(line: Buffer): void {
    if (this.next - this.first === this.size) this.#forget();
    this.#lines[this.next++ % this.size] = line;
    this.#bytes += line.length;
    while (this.#bytes > most) this.#forget();
  }

  /** Returns the line with that number, or undefined if it is no longer kept. */
  at(number: number): Buffer | undefined {
    return number < this.first ? undefined : this.#lines[number % this.size];
  }

  /** Adds a pending line. */
  addPending(line: Buffer, key: string): void {
    this.pending.start(key, this.next, line);
    this.add(line);
  }

  /** Adds an outcome line. */
  addOutcome(line: Buffer, key: string): void {
    if (this.pending.end(key)) this.#ends.set(this.next, key);
    this.add(line);
  }

  /** Returns the key of the pending attempt that ended with the line of that number, if any. */
  endedAt(number: number): string | undefined {
    return this.#ends.get(number);
  }

  #forget(): void {
    this.#ends.delete(this.first);
    const at = this.first++ % this.size;
    this.#bytes -= this.#lines[at]?.length ?? 0;
    this.#lines[at] = undefined;
  }
}
