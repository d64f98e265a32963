import { Waiting } from './waiting.js';

/** At most this many bytes of lines are kept, however long they are. */
const most = 64 << 20;

/** The last lines, oldest first, each with its running number, from 0. */
export class Ring {
  readonly #lines: (Buffer | undefined)[];
  /** By number, the attempts that waited and ended with that line. */
  readonly #ends = new Map<number, string>();
  readonly waiting: Waiting;
  #bytes = 0;
  /** The number of the oldest line that is kept. */
  first = 0;
  /** The number that the next line gets: how many there have been. */
  next = 0;

  constructor(readonly size: number) {
    this.#lines = new Array(size);
    this.waiting = new Waiting(size);
  }

  add(line: Buffer): void {
    if (this.next - this.first === this.size) this.#forget();
    this.#lines[this.next++ % this.size] = line;
    this.#bytes += line.length;
    while (this.#bytes > most) this.#forget();
  }

  /** The line of that number; undefined once it is forgotten. */
  at(number: number): Buffer | undefined {
    return number < this.first ? undefined : this.#lines[number % this.size];
  }

  /** Adds the line of an attempt that waits. */
  addPending(line: Buffer, key: string): void {
    this.waiting.start(key, this.next, line);
    this.add(line);
  }

  /** Adds the line with which an attempt ended. */
  addOutcome(line: Buffer, key: string): void {
    if (this.waiting.end(key)) this.#ends.set(this.next, key);
    this.add(line);
  }

  /** The attempt that waited until the line of that number came. */
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
