import { recordWords } from '../../generated/kinds.js';
import { PlainScanner } from '../scan/plain.js';
import { ScannedLines } from '../scan/scanned-lines.js';
import type { Scanner } from '../scan/scanner.js';
import { WasmScanner } from '../scan/wasm.js';
import { present } from '../scan/webassembly.js';
import { Line } from './line.js';

const newline = 10;
/** How much is read at once. */
const room = 1 << 18;
/** Less room than this is not worth a read: what a pipe holds. */
const least = 1 << 16;
/** How many lines are scanned before the first of them is handed on. */
const linesAtOnce = 192;
/** How much of a file is read at once, to be scanned ahead of the lines at hand, and in how many pieces that and they may be. */
const fileRoom = 1 << 19;
const aheadPieces = 10;

/** A line of more bytes than this is invalid, so that no input makes memory grow. */
export const lineLimit = 1 << 20;

/**
 * Cuts bytes into lines, wherever the chunks end, and scans them. Fill `space()`, say how much with `filled()`, then call
 * `next()` until it says `more`: a `line` is `buffer[start..end)` and has a record in `table`; of one that is too `long`
 * the beginning is `head`, and the rest is passed over. At the end of input call `finish()`, and `next()` again.
 *
 * While there are lines at hand, more may be read ahead, for another thread to scan: fill `ahead()`, and say how much with
 * `filledAhead()`. These are the lines at hand after `advance()`, which comes instead of `space()` then.
 */
export class LineSplitter {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  /** Where the line's record is in the table. */
  record = 0;
  start = 0;
  end = 0;
  head = Buffer.alloc(0);
  readonly #scanner: Scanner;
  /** The buffer has parts of so many bytes, of which so many are read into by turns. */
  readonly #part: number;
  #parts: number;
  #base = 0; // where the part that is read into begins
  #next = 0; // buffer[next..held) is not scanned yet
  #whole = 0; // the last newline before this ends a line
  #held = 0;
  #searched = 0; // buffer[whole..searched) has no newline
  #scansAhead: boolean | undefined;
  #ahead = -1; // where the part begins that was read ahead
  #aheadHeld = 0;
  #skipping = false; // inside of a line that was too long
  #lines = 0; // that have a record
  #line = 0; // the next of them
  readonly #made = new Line();

  /** With two parts of a buffer, what is read next goes into the other one: so lines stay for longer. */
  constructor(
    private readonly limit = lineLimit,
    parts: 1 | 2 = 1,
  ) {
    this.#part = limit + room;
    this.#parts = parts;
    const bytes = (parts + 1) * this.#part; // the last one is for what is read ahead: untouched, it takes no memory
    this.#scanner = present ? new WasmScanner(bytes, linesAtOnce, aheadPieces) : new PlainScanner(bytes, linesAtOnce);
    this.buffer = this.#scanner.buffer;
    this.table = this.#scanner.table;
  }

  /**
   * The free room behind what is held, at least 64 KiB. Lines stay where they are until it is asked for again, or for what
   * is read ahead; with two parts until that is done twice more.
   */
  space(isFile = false): Buffer {
    if (this.#next > this.#base) {
      const to = this.#follows();
      this.buffer.copyWithin(to, this.#next, this.#held);
      this.#held += to - this.#next;
      this.#searched += to - this.#next;
      this.#base = this.#next = this.#whole = to;
    }
    const end = this.#base + this.#part;
    return this.buffer.subarray(this.#held, isFile ? Math.min(this.#held + fileRoom, end) : end);
  }

  /** Room for what is read ahead; undefined where there is nothing to be scanned meanwhile, or no thread for it. */
  ahead(): Buffer | undefined {
    if (this.#skipping) return undefined;
    if (this.#searched < this.#held) this.#find();
    if (this.#whole === this.#next || !this.#mayScanAhead()) return undefined;
    const to = this.#follows();
    this.#aheadHeld = to + this.#held - this.#whole;
    const end = Math.min(this.#aheadHeld + fileRoom, to + this.#part);
    return end - this.#aheadHeld < least ? undefined : this.buffer.subarray(this.#aheadHeld, end);
  }

  filledAhead(bytes: number): void {
    if (bytes <= 0) return;
    const to = this.#follows();
    this.buffer.copyWithin(to, this.#whole, this.#held); // the beginning of a line
    this.#held = this.#searched = this.#whole;
    this.#ahead = to;
    const from = this.#aheadHeld;
    this.#aheadHeld += bytes;
    const last = this.buffer.subarray(from, this.#aheadHeld).lastIndexOf(newline);
    if (last >= 0) this.#scanner.offer(to, from + last + 1);
  }

  /** Goes on to what was read ahead. Returns how many bytes that is. */
  advance(): number {
    if (this.#ahead < 0) return 0;
    this.#base = this.#next = this.#whole = this.#searched = this.#ahead;
    this.#held = this.#aheadHeld;
    this.#ahead = -1;
    return this.#held - this.#base;
  }

  /** No line is asked for any more. */
  close(): void {
    this.#scanner.close();
  }

  /** Whether lines can be scanned ahead: from the first time on there is a part more for it, behind the last one. */
  #mayScanAhead(): boolean {
    if (this.#scansAhead !== undefined) return this.#scansAhead;
    if (this.#follows() > 0) return false;
    this.#scansAhead = this.#scanner.ahead();
    if (this.#scansAhead) this.#parts++;
    return this.#scansAhead;
  }

  /** Where the next part begins. */
  #follows(): number {
    const next = this.#base + this.#part;
    return next < this.#parts * this.#part ? next : 0;
  }

  /** The same, where all that is held stays as it is: undefined where there is less. */
  room(): Buffer | undefined {
    const end = this.#base + this.#part;
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
      this.#next = (this.table[this.#scanner.first + (this.#lines - 1) * recordWords + 1] as number) + 1;
    }
    this.record = this.#scanner.first + this.#line++ * recordWords;
    this.start = this.table[this.record] as number;
    this.end = this.table[this.record + 1] as number;
    if (this.end - this.start <= this.limit) return 'line';
    this.#keepHead(this.start);
    return 'long';
  }

  /** The line and those behind it that are scanned already. */
  get atHand(): ScannedLines {
    return new ScannedLines(this.#scanner, this.record, this.#lines - this.#line + 1, this.#made);
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
