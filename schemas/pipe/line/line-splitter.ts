import { PlainScanner } from '../scan/plain.js';
import { record as layout, recordWords } from '../scan/record.layout.js';
import { ScannedLines } from '../scan/scanned-lines.js';
import type { Scanner } from '../scan/scanner.js';
import { WasmScanner } from '../scan/wasm.js';
import { present } from '../scan/webassembly.js';
import { Line } from './line.js';

const newline = 10;
/** How many bytes are read at once. */
const room = 1 << 18;
/** Less room than this (what a pipe holds) is not worth a read. */
const least = 1 << 16;
/** How many lines are scanned before the first of them is returned. */
const linesAtOnce = 192;
/** How many bytes are read at once from a file that a second thread scans ahead. */
const fileRoom = 1 << 19;
/** How many pieces of the file that thread may have at a time. */
const aheadPieces = 10;

/** A longer line (in bytes) is invalid, so that no input can make memory grow. */
export const lineLimit = 1 << 20;

/**
 * Splits bytes into lines, wherever the chunks end, and scans them. Fill `space()`, report the number of bytes with
 * `filled()`, then call `next()` until it returns `more`. A `line` is `buffer[start..end)` and has a record in `table`. Of a
 * line that is too `long`, `head` has the first bytes, and the rest is skipped. At the end of input call `finish()`, then
 * `next()` again.
 *
 * While lines are left, more can be read ahead, for another thread to scan: fill `ahead()`, and report the number of bytes
 * with `filledAhead()`. Then call `advance()` instead of `space()` to move on to these lines.
 */
export class LineSplitter {
  readonly buffer: Buffer;
  readonly table: Int32Array;
  /** The place of the line's record in the table. */
  record = 0;
  start = 0;
  end = 0;
  head = Buffer.alloc(0);
  readonly #scanner: Scanner;
  /** The size of one part of the buffer, and the number of parts, which are filled in turn. */
  readonly #part: number;
  #parts: number;
  #base = 0; // the start of the part that is being filled
  #next = 0; // buffer[next..held) is not scanned yet
  #whole = 0; // the last newline before this ends a line
  #held = 0;
  #searched = 0; // buffer[whole..searched) has no newline
  #scansAhead: boolean | undefined;
  #ahead = -1; // the start of the part that was read ahead
  #aheadHeld = 0;
  #skipping = false; // inside a line that was too long
  #lines = 0; // the number of lines with a record
  #line = 0; // the index of the next one
  readonly #made = new Line();

  /**
   * With two parts, each read goes into the other part, so that lines stay valid for longer.
   * @param kernelBytes room for the memory of kernels that need much
   */
  constructor(
    private readonly limit = lineLimit,
    parts: 1 | 2 = 1,
    kernelBytes = 0,
  ) {
    this.#part = limit + room;
    this.#parts = parts;
    const bytes = (parts + 1) * this.#part; // the last part is for reading ahead; it takes no memory until it is touched
    this.#scanner = present
      ? new WasmScanner(bytes, linesAtOnce, aheadPieces, kernelBytes)
      : new PlainScanner(bytes, linesAtOnce);
    this.buffer = this.#scanner.buffer;
    this.table = this.#scanner.table;
  }

  /**
   * Returns the free room after the bytes held, at least 64 KiB. Lines stay valid until the next call, or until bytes are read
   * ahead; with two parts, until the second time after this.
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

  /** Returns room for reading ahead; undefined if there are no lines left to process meanwhile, or no second thread. */
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
    this.buffer.copyWithin(to, this.#whole, this.#held); // the start of an incomplete line
    this.#held = this.#searched = this.#whole;
    this.#ahead = to;
    const from = this.#aheadHeld;
    this.#aheadHeld += bytes;
    const last = this.buffer.subarray(from, this.#aheadHeld).lastIndexOf(newline);
    if (last >= 0) this.#scanner.offer(to, from + last + 1);
  }

  /** Continues with the bytes that were read ahead. Returns their number. */
  advance(): number {
    if (this.#ahead < 0) return 0;
    this.#base = this.#next = this.#whole = this.#searched = this.#ahead;
    this.#held = this.#aheadHeld;
    this.#ahead = -1;
    return this.#held - this.#base;
  }

  /** Call this when no more lines are needed. */
  close(): void {
    this.#scanner.close();
  }

  /** Returns whether lines can be scanned ahead. The first time, adds one more part to the buffer for this. */
  #mayScanAhead(): boolean {
    if (this.#scansAhead !== undefined) return this.#scansAhead;
    if (this.#follows() > 0) return false;
    this.#scansAhead = this.#scanner.ahead();
    if (this.#scansAhead) this.#parts++;
    return this.#scansAhead;
  }

  /** Returns the start of the next part. */
  #follows(): number {
    const next = this.#base + this.#part;
    return next < this.#parts * this.#part ? next : 0;
  }

  /** Returns free room without moving the bytes held; undefined if it is less than 64 KiB. */
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
      this.#next = (this.table[this.#scanner.first + (this.#lines - 1) * recordWords + layout.at.end] as number) + 1;
    }
    this.record = this.#scanner.first + this.#line++ * recordWords;
    this.start = this.table[this.record] as number;
    this.end = this.table[this.record + 1] as number;
    if (this.end - this.start <= this.limit) return 'line';
    this.#keepHead(this.start);
    return 'long';
  }

  /** The current line and the lines after it that are already scanned. */
  get atHand(): ScannedLines {
    return new ScannedLines(this.#scanner, this.record, this.#lines - this.#line + 1, this.#made);
  }

  /** Skips this many of the lines that are already scanned. */
  skip(lines: number): void {
    this.#line += lines;
  }

  /** Adds the last newline if the input does not end with one. */
  finish(): void {
    if (this.#held === this.#next) return;
    this.space()[0] = newline;
    this.filled(1);
  }

  /** Finds the end of the last complete line. Returns whether there is one. */
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

  /** Handles bytes that have no newline yet. */
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
