import type { KeyBytes } from './bytes.js';
import { Cells } from './cells.js';
import { Memory } from './memory.js';
import type { Pieces } from './pieces.js';

/** How a column's numbers of several events become one. */
export type Rule = 'sum' | 'min' | 'max';

/** What a table keeps of each group. */
export interface Shape {
  columns: readonly Rule[];
  /** Sketches: numbers of a slot are added up, or the largest kept. */
  sketches: readonly ('sum' | 'max')[];
}

const head = 16; // bytes of a row before its columns: hash, place and length of the key, and `before`
const word = 4;
const blockBits = 14; // rows of a block, as in table.c
const linesAtOnce = 1024;
const linesRoom = 1 << 18; // bytes
const neutral = { sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };

/**
 * Groups by their key's bytes, kept by table.c: rows of numbers that are found by their key. Row 0 has no key: it is the
 * group `other`.
 */
export class Table {
  readonly sketches: readonly Cells[];
  readonly #stride: number;
  readonly #memory = new Memory();
  readonly #blocks: number;

  constructor(readonly shape: Shape) {
    this.#stride = head + shape.columns.length * 8;
    this.sketches = shape.sketches.map((rule) => new Cells(rule === 'max'));
    const { exports, f64 } = this.#memory;
    this.#blocks = exports.row_blocks() / word;
    f64.set(
      shape.columns.map((rule) => neutral[rule]),
      exports.empty_columns() / 8,
    );
    this.#reset();
  }

  get rows(): number {
    return this.#memory.exports.count();
  }

  /** The row of a key; a new one, with this `before`, where there is none. */
  row({ words, length }: KeyBytes, before = 0): number {
    return this.#row(words, 0, length, before);
  }

  /**
   * Counts gathered lines, each in the column that is its tag, but makes no row after `most`. Returns how many lines it
   * has counted.
   */
  addGathered(gathered: Uint8Array, lines: number, most: number, before: number): number {
    const place = this.#space(gathered.length);
    this.#memory.u8.set(gathered, place);
    const added = this.#memory.exports.add(lines, most, least32(before));
    this.#memory.refresh();
    return added;
  }

  /** The row of the gathered line that was added last with its bytes from `start` on. */
  added(start: number): number {
    return this.#memory.u32[(this.#memory.exports.space(0) + start) / word + 1] as number;
  }

  /**
   * Writes rows as lines, as many as there is room for and as are plain. Returns these: where each ends in the buffer, a
   * newline behind it. What is returned is valid until the next call.
   */
  lines(pieces: Pieces, rows: Uint32Array): { buffer: Buffer; ends: Uint32Array } {
    const { length } = pieces.bytes;
    const many = Math.min(rows.length, linesAtOnce);
    const place = this.#space(length + linesAtOnce * word + linesRoom);
    const list = place + length;
    const out = list + linesAtOnce * word;
    const { u8, u32, exports } = this.#memory;
    pieces.put(u8, u32, place);
    u32.set(rows.subarray(0, many), list / word);
    const written = exports.write(place, pieces.count, list, many, out, out + linesRoom);
    return { buffer: Buffer.from(u8.buffer, out, linesRoom), ends: u32.subarray(list / word, list / word + written) };
  }

  /** A number that goes with a row since it was made: how much of the group may have been here before, and is gone. */
  before(row: number): number {
    return this.#memory.u32[this.#at(row) / word + 3] as number;
  }

  /** The numbers of all rows: a row's columns begin at its base. Another array once a row was added. */
  get numbers(): Float64Array {
    return this.#memory.f64;
  }

  base(row: number): number {
    return (this.#at(row) + head) / 8;
  }

  get(row: number, column: number): number {
    return this.#memory.f64[this.base(row) + column] as number;
  }

  set(row: number, column: number, value: number): void {
    this.#memory.f64[this.base(row) + column] = value;
  }

  add(row: number, column: number, value: number): void {
    this.set(row, column, this.get(row, column) + value);
  }

  least(row: number, column: number, value: number): void {
    if (value < this.get(row, column)) this.set(row, column, value);
  }

  largest(row: number, column: number, value: number): void {
    if (value > this.get(row, column)) this.set(row, column, value);
  }

  /** A row's key: `bytes[start..end)`. */
  key(row: number): { bytes: Uint8Array; start: number; end: number } {
    const { u8, u32 } = this.#memory;
    const at = this.#at(row) / word;
    const start = u32[at + 1] as number;
    return { bytes: u8, start, end: start + (u32[at + 2] as number) };
  }

  /** Adds another table's groups to its own, those that `keep` says no to to `other`. */
  merge(from: Table, keep?: (row: number) => boolean): void {
    const to = new Uint32Array(from.rows);
    const { u32 } = from.#memory;
    for (let row = 1; row < from.rows; row++) {
      if (keep && !keep(row)) continue;
      const { start, end } = from.key(row);
      to[row] = this.#row(u32, start / word, end - start, from.before(row));
    }
    for (let row = 0; row < from.rows; row++) {
      for (const [column, rule] of this.shape.columns.entries()) {
        this.#combine(to[row] as number, column, rule, from.get(row, column));
      }
    }
    for (const [i, cells] of from.sketches.entries()) {
      cells.each((row, slot, value) => this.sketches[i]?.add(to[row] as number, slot, value));
    }
  }

  /** Puts rows into `other` too. Returns the largest weight of one. They stay where they are. */
  fold(rows: Iterable<number>, weight: (table: Table, row: number) => number): number {
    const folded = new Uint8Array(this.rows);
    let largest = 0;
    for (const row of rows) {
      folded[row] = 1;
      largest = Math.max(largest, weight(this, row));
      for (const [column, rule] of this.shape.columns.entries()) this.#combine(0, column, rule, this.get(row, column));
    }
    for (const cells of this.sketches) cells.fold(folded);
    return largest;
  }

  clear(): void {
    for (const cells of this.sketches) cells.clear();
    this.#reset();
  }

  #reset(): void {
    this.#memory.exports.reset(this.shape.columns.length);
    this.#memory.refresh();
  }

  /** Where a row begins. */
  #at(row: number): number {
    const block = this.#memory.u32[this.#blocks + (row >>> blockBits)] as number;
    return block + (row & ((1 << blockBits) - 1)) * this.#stride;
  }

  #combine(row: number, column: number, rule: Rule, value: number): void {
    const mine = this.get(row, column);
    this.set(row, column, rule === 'sum' ? mine + value : Math[rule](mine, value));
  }

  #row(words: Uint32Array, from: number, length: number, before: number): number {
    const size = (length + word - 1) >> 2;
    const place = this.#space(length + 8) / word;
    const { u32, exports } = this.#memory;
    for (let at = 0; at < size; at++) u32[place + at] = words[from + at] as number;
    u32[place + size] = 0;
    const row = exports.row(length, least32(before));
    this.#memory.refresh();
    return row;
  }

  /** Where so many bytes can be put for table.c. */
  #space(bytes: number): number {
    const place = this.#memory.exports.space(bytes);
    this.#memory.refresh();
    return place;
  }
}

const least32 = (number: number) => Math.min(number, 0xffffffff);
