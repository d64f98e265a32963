import type { KeyBytes } from './bytes.js';
import { Cells } from './cells.js';
import { hashWords } from './hash.js';
import { Memory } from './memory.js';

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
const fewest = 1 << 9;
const neutral = { sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };

/**
 * Groups by their key's bytes: an open-addressing table of row numbers, the keys in one arena, a fixed row of numbers
 * for each. Row 0 has no key: it is the group `other`.
 */
export class Table {
  rows = 0;
  readonly sketches: readonly Cells[];
  readonly #stride: number;
  #slots = new Uint32Array(fewest); // pairs of row, where 0 is free, and its hash: most rows need not be looked at
  readonly #rows = new Memory();
  readonly #keys = new Memory();
  #keysEnd = 0;
  readonly #empty: readonly number[]; // the columns of a new row

  constructor(readonly shape: Shape) {
    this.#empty = shape.columns.map((rule) => neutral[rule]);
    this.#stride = head + shape.columns.length * 8;
    this.sketches = shape.sketches.map((rule) => new Cells(rule === 'max'));
    this.#append(0, 0, 0, 0);
  }

  /** The row of a key; a new one, with this `before`, where there is none. */
  row({ words, length }: KeyBytes, before = 0): number {
    const code = hashWords(words, length);
    const at = this.#find(words, 0, length, code);
    return this.#slots[at] || this.#insert(at, words, 0, length, code, before);
  }

  /** A number that goes with a row since it was made: how much of the group may have been here before, and is gone. */
  before(row: number): number {
    return this.#rows.u32[(row * this.#stride) / 4 + 3] as number;
  }

  /** The numbers of all rows: a row's columns begin at its base. Another array once a row was added. */
  get numbers(): Float64Array {
    return this.#rows.f64;
  }

  base(row: number): number {
    return (row * this.#stride + head) / 8;
  }

  get(row: number, column: number): number {
    return this.#rows.f64[this.base(row) + column] as number;
  }

  set(row: number, column: number, value: number): void {
    this.#rows.f64[this.base(row) + column] = value;
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
    const at = (row * this.#stride) / 4;
    const start = this.#rows.u32[at + 1] as number;
    return { bytes: this.#keys.u8, start, end: start + (this.#rows.u32[at + 2] as number) };
  }

  /** Adds another table's groups to its own, those that `keep` says no to to `other`. */
  merge(from: Table, keep?: (row: number) => boolean): void {
    const to = new Uint32Array(from.rows);
    const [theirs, words] = [from.#rows.u32, from.#keys.u32];
    for (let row = 1; row < from.rows; row++) {
      if (keep && !keep(row)) continue;
      const place = (row * from.#stride) / word;
      const code = theirs[place] as number;
      const start = (theirs[place + 1] as number) / word;
      const length = theirs[place + 2] as number;
      const at = this.#find(words, start, length, code);
      to[row] = this.#slots[at] || this.#insert(at, words, start, length, code, from.before(row));
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
    this.rows = 0;
    this.#keysEnd = 0;
    this.#slots = new Uint32Array(fewest);
    for (const cells of this.sketches) cells.clear();
    this.#append(0, 0, 0, 0);
  }

  #combine(row: number, column: number, rule: Rule, value: number): void {
    const mine = this.get(row, column);
    this.set(row, column, rule === 'sum' ? mine + value : Math[rule](mine, value));
  }

  #find(key: Uint32Array, from: number, length: number, code: number): number {
    const slots = this.#slots;
    const rows = this.#rows.u32;
    const keys = this.#keys.u32;
    const last = slots.length - 1;
    const size = (length + word - 1) >> 2;
    const words = this.#stride / word;
    let at = (code << 1) & last;
    for (let row = slots[at] as number; row !== 0; row = slots[at] as number) {
      const place = row * words;
      if (slots[at + 1] === code && rows[place + 2] === length) {
        const start = (rows[place + 1] as number) >> 2;
        let same = 0;
        while (same < size && keys[start + same] === key[from + same]) same++;
        if (same === size) return at;
      }
      at = (at + 2) & last;
    }
    return at;
  }

  #insert(at: number, key: Uint32Array, from: number, length: number, code: number, before: number): number {
    const start = this.#keysEnd;
    this.#keysEnd += (length + word - 1) & -word;
    this.#keys.need(this.#keysEnd);
    const keys = this.#keys.u32;
    for (let to = start / word, at = from; to < this.#keysEnd / word; to++, at++) keys[to] = key[at] as number;
    this.#slots[at] = this.rows;
    this.#slots[at + 1] = code;
    const row = this.#append(code, start, length, before);
    if (this.rows * 8 > this.#slots.length * 3) this.#grow();
    return row;
  }

  #append(code: number, start: number, length: number, before: number): number {
    const row = this.rows++;
    const at = row * this.#stride;
    this.#rows.need(at + this.#stride);
    const { u32, f64 } = this.#rows;
    const place = at / word;
    u32[place] = code;
    u32[place + 1] = start;
    u32[place + 2] = length;
    u32[place + 3] = Math.min(before, 0xffffffff);
    const first = this.base(row);
    for (let column = 0; column < this.#empty.length; column++) f64[first + column] = this.#empty[column] as number;
    return row;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const last = slots.length - 1;
    for (let old = 0; old < this.#slots.length; old += 2) {
      const row = this.#slots[old] as number;
      if (row === 0) continue;
      const code = this.#slots[old + 1] as number;
      let at = (code << 1) & last;
      while (slots[at] !== 0) at = (at + 2) & last;
      slots[at] = row;
      slots[at + 1] = code;
    }
    this.#slots = slots;
  }
}
