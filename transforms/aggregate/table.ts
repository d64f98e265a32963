import { Cells } from './cells.js';
import { hash } from './hash.js';
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
const neutral = { sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };

/**
 * Groups by their key's bytes: an open-addressing table of row numbers, the keys in one arena, a fixed row of numbers
 * for each. Row 0 has no key: it is the group `other`.
 */
export class Table {
  rows = 0;
  readonly sketches: readonly Cells[];
  readonly #stride: number;
  #slots = new Uint32Array(1 << 8); // row; 0 is free
  readonly #rows = new Memory();
  readonly #keys = new Memory();
  #keysEnd = 0;

  constructor(readonly shape: Shape) {
    this.#stride = head + shape.columns.length * 8;
    this.sketches = shape.sketches.map((rule) => new Cells(rule === 'max'));
    this.#append(0, 0, 0, 0);
  }

  /** The row of a key; a new one, with this `before`, where there is none. */
  row(key: Uint8Array, length: number, before = 0): number {
    const code = hash(key, 0, length, 0);
    const at = this.#find(key, 0, length, code);
    return this.#slots[at] || this.#insert(at, key, length, code, before);
  }

  /** A number that goes with a row since it was made: how much of the group may have been here before, and is gone. */
  before(row: number): number {
    return this.#rows.u32[(row * this.#stride) / 4 + 3] as number;
  }

  /** Whether it has a key. */
  has(key: Uint8Array, length: number): boolean {
    return this.#slots[this.#find(key, 0, length, hash(key, 0, length, 0))] !== 0;
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
    for (let row = 1; row < from.rows; row++) {
      if (keep && !keep(row)) continue;
      const { bytes, start, end } = from.key(row);
      const code = from.#rows.u32[(row * from.#stride) / 4] as number;
      const at = this.#find(bytes, start, end - start, code);
      to[row] = this.#slots[at] || this.#insert(at, bytes.subarray(start, end), end - start, code, from.before(row));
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
    this.#slots = new Uint32Array(1 << 8);
    for (const cells of this.sketches) cells.clear();
    this.#append(0, 0, 0, 0);
  }

  #combine(row: number, column: number, rule: Rule, value: number): void {
    const mine = this.get(row, column);
    this.set(row, column, rule === 'sum' ? mine + value : Math[rule](mine, value));
  }

  #find(key: Uint8Array, from: number, length: number, code: number): number {
    const slots = this.#slots;
    const rows = this.#rows.u32;
    const keys = this.#keys.u8;
    const last = slots.length - 1;
    const words = this.#stride / 4;
    let at = code & last;
    for (let row = slots[at] as number; row !== 0; row = slots[at] as number) {
      const place = row * words;
      if (rows[place] === code && rows[place + 2] === length) {
        const start = rows[place + 1] as number;
        let same = 0;
        while (same < length && keys[start + same] === key[from + same]) same++;
        if (same === length) return at;
      }
      at = (at + 1) & last;
    }
    return at;
  }

  #insert(at: number, key: Uint8Array, length: number, code: number, before: number): number {
    const start = this.#keysEnd;
    this.#keysEnd += length;
    this.#keys.need(this.#keysEnd);
    this.#keys.u8.set(key.subarray(0, length), start);
    this.#slots[at] = this.rows;
    const row = this.#append(code, start, length, before);
    if (this.rows * 4 > this.#slots.length * 3) this.#grow();
    return row;
  }

  #append(code: number, start: number, length: number, before: number): number {
    const row = this.rows++;
    const at = row * this.#stride;
    this.#rows.need(at + this.#stride);
    this.#rows.u32.set([code, start, length, Math.min(before, 0xffffffff)], at / 4);
    for (const [column, rule] of this.shape.columns.entries()) this.set(row, column, neutral[rule]);
    return row;
  }

  #grow(): void {
    const slots = new Uint32Array(this.#slots.length * 2);
    const last = slots.length - 1;
    for (let row = 1; row < this.rows; row++) {
      let at = (this.#rows.u32[(row * this.#stride) / 4] as number) & last;
      while (slots[at] !== 0) at = (at + 1) & last;
      slots[at] = row;
    }
    this.#slots = slots;
  }
}
