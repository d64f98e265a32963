import type { KeyBytes } from './bytes.js';
import { Cells } from './cells.js';
import { gathered } from './gather.layout.js';
import { TableMemory } from './memory.js';
import type { Pieces } from './pieces.js';
import { blockBits, row as layout } from './table.layout.js';

/** How the numbers of several events are combined in a column. */
export type ColumnRule = 'sum' | 'min' | 'max';

/** What a table keeps for each group. */
export interface TableShape {
  columns: readonly ColumnRule[];
  /** The rule of each sketch: the values of a slot are added up, or the largest is kept. */
  sketches: readonly ('sum' | 'max')[];
  /** The columns of the measures of connections: the number of those that closed, and two sums of bytes. */
  closed?: number;
  bytes?: number;
}

const word = 4;
const linesAtOnce = 1024;
const linesRoom = 1 << 18; // bytes
const neutral = { sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };

/** Groups by the bytes of their key, in table.c. Each group is a row of numbers. Row 0 has no key: it is the group `other`. */
export class Table {
  readonly sketches: readonly Cells[];
  readonly #stride: number;
  readonly #memory = new TableMemory();
  readonly #blocks: number;

  constructor(readonly shape: TableShape) {
    this.#stride = layout.bytes + shape.columns.length * 8;
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

  /** Returns the row of a key. If the key is new, adds a row, which keeps `before` for the method of that name. */
  row({ words, length }: KeyBytes, before = 0): number {
    return this.#row(words, 0, length, before);
  }

  /**
   * Counts gathered lines, each in the column given by its tag. Stops at a new key if the table has more than `most` rows.
   * Returns the number of lines counted.
   */
  addGathered(bytes: Uint8Array, lines: number, most: number, before: number): number {
    const place = this.#space(bytes.length);
    this.#memory.u8.set(bytes, place);
    const added = this.#memory.exports.add(lines, most, clamp32(before));
    this.#memory.refresh();
    return added;
  }

  /** Returns the row of a line that the last `addGathered` counted, by the start of its bytes. */
  added(start: number): number {
    return this.#memory.u32[(this.#memory.exports.space(0) + start) / word + gathered.at.tag] as number;
  }

  /**
   * Writes rows as lines, until there is no more room or a count is too large to be exact. Returns the buffer and the end of
   * each line, which is followed by a newline. The result is valid until the next call.
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

  /** Returns the `before` that the row was added with: how much of the group may have been counted and dropped earlier. */
  before(row: number): number {
    return this.#memory.u32[this.#at(row) / word + layout.at.before] as number;
  }

  /** The numbers of all rows. A row's columns begin at its base. The array is replaced when a row is added. */
  get numbers(): Float64Array {
    return this.#memory.f64;
  }

  base(row: number): number {
    return this.#at(row) / 8 + layout.at.columns;
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

  setMin(row: number, column: number, value: number): void {
    if (value < this.get(row, column)) this.set(row, column, value);
  }

  setMax(row: number, column: number, value: number): void {
    if (value > this.get(row, column)) this.set(row, column, value);
  }

  /** Returns a row's key: `bytes[start..end)`. */
  key(row: number): { bytes: Uint8Array; start: number; end: number } {
    const { u8, u32 } = this.#memory;
    const at = this.#at(row) / word;
    const start = u32[at + layout.at.key] as number;
    return { bytes: u8, start, end: start + (u32[at + layout.at.length] as number) };
  }

  /** Adds another table's groups to this table. Groups that `keep` rejects are added to `other`. */
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

  /** Adds rows to `other` as well, without removing them. Returns the largest weight among them. */
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

  /** Returns the address of a row. */
  #at(row: number): number {
    const block = this.#memory.u32[this.#blocks + (row >>> blockBits)] as number;
    return block + (row & ((1 << blockBits) - 1)) * this.#stride;
  }

  #combine(row: number, column: number, rule: ColumnRule, value: number): void {
    const mine = this.get(row, column);
    this.set(row, column, rule === 'sum' ? mine + value : Math[rule](mine, value));
  }

  #row(words: Uint32Array, from: number, length: number, before: number): number {
    const size = (length + word - 1) >> 2;
    const place = this.#space(length + 8) / word;
    const { u32, exports } = this.#memory;
    for (let at = 0; at < size; at++) u32[place + at] = words[from + at] as number;
    u32[place + size] = 0;
    const row = exports.row(length, clamp32(before));
    this.#memory.refresh();
    return row;
  }

  /** Returns the address of a buffer of this size for the input of table.c. */
  #space(bytes: number): number {
    const place = this.#memory.exports.space(bytes);
    this.#memory.refresh();
    return place;
  }
}

const clamp32 = (number: number) => Math.min(number, 0xffffffff);
