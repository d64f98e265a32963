import type { Slots } from '../../schemas/sketch.js';
import { mix } from './hash.js';

/**
 * The sketches of many groups in one hash table from (row, slot) to a value. It only stores slots that are in use, and most
 * groups use few. The values of a slot are added up, or the largest is kept.
 */
export class Cells {
  /** The number of slots of a row. */
  static readonly slots = 4096;
  #cells = new Float64Array(1 << 9); // pairs of key (row * 4096 + slot + 1, or 0 if free) and value
  #used = 0;
  #starts: Uint32Array | undefined; // once sorted: the start of each row's cells in #order
  #order: Uint32Array = new Uint32Array(0);

  constructor(private readonly max: boolean) {}

  add(row: number, slot: number, value: number): void {
    if (this.#starts) this.#starts = undefined;
    const key = row * Cells.slots + slot + 1;
    const at = find(this.#cells, key, row, slot);
    const cells = this.#cells;
    if (cells[at] === key) {
      const old = cells[at + 1] as number;
      cells[at + 1] = this.max ? Math.max(old, value) : old + value;
      return;
    }
    cells[at] = key;
    cells[at + 1] = value;
    if (++this.#used * 3 > cells.length) this.#grow();
  }

  /** Calls `take` for each cell, in no particular order. */
  each(take: (row: number, slot: number, value: number, at: number) => void): void {
    const cells = this.#cells;
    for (let at = 0; at < cells.length; at += 2) {
      const key = (cells[at] as number) - 1;
      if (key >= 0) take(Math.floor(key / Cells.slots), key % Cells.slots, cells[at + 1] as number, at);
    }
  }

  /** Returns a row's slots in order. The result is only valid until the next call. */
  of(row: number, rows: number): Slots {
    if (!this.#starts) this.#sort(rows);
    const starts = this.#starts as unknown as Uint32Array;
    const from = starts[row] as number;
    const cells = this.#order.subarray(from, starts[row + 1]);
    const { slots, values } = shared;
    const all = this.#cells;
    if (cells.length > 1) cells.sort((a, b) => (all[a] as number) - (all[b] as number));
    cells.forEach((at, i) => {
      slots[i] = ((all[at] as number) - 1) % Cells.slots;
      values[i] = all[at + 1] as number;
    });
    shared.length = cells.length;
    return shared;
  }

  /** Adds the cells of some rows to row 0. */
  fold(rows: Uint8Array): void {
    const sum = new Float64Array(Cells.slots);
    this.each((row, slot, value) => {
      if (rows[row] === 1) sum[slot] = this.max ? Math.max(sum[slot] as number, value) : (sum[slot] as number) + value;
    });
    sum.forEach((value, slot) => {
      if (value > 0) this.add(0, slot, value);
    });
  }

  clear(): void {
    if (this.#cells.length > 1 << 17) this.#cells = new Float64Array(1 << 9);
    else this.#cells.fill(0);
    this.#used = 0;
    this.#starts = undefined;
    this.#order = new Uint32Array(0);
  }

  /** Sorts the cells by row. */
  #sort(rows: number): void {
    const starts = new Uint32Array(rows + 1);
    this.each((row) => {
      starts[row + 1] = (starts[row + 1] as number) + 1;
    });
    for (let row = 0; row < rows; row++) starts[row + 1] = (starts[row + 1] as number) + (starts[row] as number);
    const next = starts.slice();
    this.#order = new Uint32Array(this.#used);
    this.each((row, _slot, _value, at) => {
      const place = next[row] as number;
      next[row] = place + 1;
      this.#order[place] = at;
    });
    this.#starts = starts;
  }

  #grow(): void {
    const cells = new Float64Array(this.#cells.length * 2);
    this.each((row, slot, value) => {
      const key = row * Cells.slots + slot + 1;
      const at = find(cells, key, row, slot);
      cells[at] = key;
      cells[at + 1] = value;
    });
    this.#cells = cells;
  }
}

/** Returns the index of a key, or of a free cell for it. */
function find(cells: Float64Array, key: number, row: number, slot: number): number {
  const last = cells.length - 2;
  let at = (mix(Math.imul(row, 0x9e3779b1) ^ slot) << 1) & last;
  while (cells[at] !== 0 && cells[at] !== key) at = (at + 2) & last;
  return at;
}

const shared: Slots = {
  length: 0,
  slots: new Uint32Array(Cells.slots),
  values: new Float64Array(Cells.slots),
};
