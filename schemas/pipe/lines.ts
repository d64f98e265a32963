import { recordWords } from '../generated/kinds.js';
import { Line } from './line.js';
import { PlainScanner } from './scan/plain.js';
import { Scanned } from './scan/scanned.js';
import type { Scanner } from './scan/scanner.js';
import { WasmScanner } from './scan/wasm.js';
import { present } from './webassembly.js';

const newline = 10;
/** How much is read at once. */
const room = 1 << 18;
/** Less room than this is not worth a read: what a pipe holds. */
const least = 1 << 16;
/** How many lines are scanned before the first of them is handed on. */
const linesAtOnce = 256;

/** A line of more bytes than this is invalid, so that no input makes memory grow. */
export const lineLimit = 1 << 20;

/**
 * Cuts bytes into lines, wherever the chunks end, and scans them. Fill `space()`, say how much with `filled()`, then call
 * `next()` until it says `more`: a `line` is `buffer[start..end)` and has a record in `table`; of one that is too `long`
 * the beginning is `head`, and the rest is passed over. At the end of input call `finish()`, and `next()` again.
 */
export class Lines {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  /** Where the line's record is in the table. */
  record = 0;
  start = 0;
  end = 0;
  head = Buffer.alloc(0);
  readonly #scanner: Scanner;
  readonly #half: number;
  /** Where the other half begins, which is read into next. */
  readonly #other: number;
  #base = 0; // where the half that is read into begins
  #next = 0; // buffer[next..held) is not scanned yet
  #whole = 0; // the last newline before this ends a line
  #held = 0;
  #searched = 0; // buffer[whole..searched) has no newline
  #skipping = false; // inside of a line that was too long
  #lines = 0; // that have a record
  #line = 0; // the next of them
  readonly #made = new Line();

  /** With two halves of a buffer, what is read next goes into the other one: so lines stay for longer. */
  constructor(
    private readonly limit = lineLimit,
    halves: 1 | 2 = 1,
  ) {
    this.#half = limit + room;
    this.#other = halves === 2 ? this.#half : 0;
    const Best = present ? WasmScanner : PlainScanner;
    this.#scanner = new Best(halves * this.#half, linesAtOnce);
    this.buffer = this.#scanner.buffer;
    this.table = this.#scanner.table;
  }

  /**
   * The free room behind what is held, at least 64 KiB. Lines stay where they are until it is asked for again, in two
   * halves until it is asked for twice more.
   */
  space(): Buffer {
    if (this.#next > this.#base) {
      this.#base = this.#base === 0 ? this.#other : 0;
      this.buffer.copyWithin(this.#base, this.#next, this.#held);
      this.#held += this.#base - this.#next;
      this.#searched += this.#base - this.#next;
      this.#next = this.#whole = this.#base;
    }
    return this.buffer.subarray(this.#held, this.#base + this.#half);
  }

  /** The same, where all that is held stays as it is: undefined where there is less. */
  room(): Buffer | undefined {
    const end = this.#base + this.#half;
    return end - this.#held < least ? undefined : this.buffer.subarray(this.#held, end);
  }

  filled(bytes: number): void {
    this.#held += bytes;
  }

  next(): 'line' | 'long' | 'more' {
    while (this.#line === this.#lines) {
      if (this.#next === this.#whole && !this.#find()) return this.#rest();
      this.#lines = this.#scanner.scan(this.#next, this.#whole);
      this.#line = 0;
      this.#next = (this.table[(this.#lines - 1) * recordWords + 1] as number) + 1;
    }
    this.record = this.#line++ * recordWords;
    this.start = this.table[this.record] as number;
    this.end = this.table[this.record + 1] as number;
    if (this.end - this.start <= this.limit) return 'line';
    this.#keepHead(this.start);
    return 'long';
  }

  /** The line and those behind it that are scanned already. */
  get atHand(): Scanned {
    return new Scanned(this.#scanner, this.record, this.#lines - this.#line + 1, this.#made);
  }

  /** Passes over the next so many lines that are scanned already. */
  skip(lines: number): void {
    this.#line += lines;
  }

  /** At the end of input: gives the last line its newline where that is missing. */
  finish(): void {
    if (this.#held === this.#next) return;
    this.space()[0] = newline;
    this.filled(1);
  }

  /** Looks for the end of the last whole line. */
  #find(): boolean {
    const found = this.buffer.subarray(this.#searched, this.#held);
    if (this.#skipping) {
      const end = found.indexOf(newline);
      this.#searched = this.#next = this.#whole = end < 0 ? this.#held : this.#searched + end + 1;
      if (end < 0) return false;
      this.#skipping = false;
      return this.#find();
    }
    const last = found.lastIndexOf(newline);
    if (last >= 0) this.#whole = this.#searched + last + 1;
    this.#searched = this.#held;
    return last >= 0;
  }

  /** What is left has no newline. */
  #rest(): 'long' | 'more' {
    if (this.#held - this.#next <= this.limit) return 'more';
    this.#keepHead(this.#next);
    this.#skipping = true;
    this.#next = this.#whole = this.#held;
    return 'long';
  }

  #keepHead(start: number): void {
    this.head = Buffer.from(this.buffer.subarray(start, start + this.limit));
  }
}
