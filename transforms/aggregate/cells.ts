import { mix } from './hash.js';

/** Of one group, sorted: the slots that are not 0, and their numbers. */
export interface Slots {
  length: number;
  slots: Uint32Array;
  values: Float64Array;
}

/**
 * Sketches of many groups in one table, from (row, slot) to a number: a group costs what it has, and most have few.
 * The numbers of a slot are added up, or the largest is kept.
 */
export class Cells {
  /** Slots are 0 … 4095. */
  static readonly slots = 4096;
  #keys = new Float64Array(1 << 8); // row * 4096 + slot + 1; 0 is free
  #values = new Float64Array(1 << 8);
  #used = 0;
  #starts: Uint32Array | undefined; // once sorted: where a row's cells begin
  #order: Uint32Array = new Uint32Array(0);

  constructor(private readonly max: boolean) {}

  add(row: number, slot: number, value: number): void {
    this.#starts = undefined;
    const key = row * Cells.slots + slot + 1;
    const at = this.#find(key, row, slot);
    if (this.#keys[at] === key) {
      const old = this.#values[at] as number;
      this.#values[at] = this.max ? Math.max(old, value) : old + value;
      return;
    }
    this.#keys[at] = key;
    this.#values[at] = value;
    if (++this.#used * 3 > this.#keys.length * 2) this.#grow();
  }

  /** Calls back for each cell, in no order. */
  each(take: (row: number, slot: number, value: number) => void): void {
    for (let at = 0; at < this.#keys.length; at++) {
      const key = (this.#keys[at] as number) - 1;
      if (key >= 0) take(Math.floor(key / Cells.slots), key % Cells.slots, this.#values[at] as number);
    }
  }

  /** A row's slots in their order. What is returned is used again at the next call. */
  of(row: number, rows: number): Slots {
    if (!this.#starts) this.#sort(rows);
    const starts = this.#starts as unknown as Uint32Array;
    const from = starts[row] as number;
    const cells = this.#order.subarray(from, starts[row + 1]);
    const { slots, values } = shared;
    if (cells.length > 1) cells.sort((a, b) => (this.#keys[a] as number) - (this.#keys[b] as number));
    cells.forEach((cell, i) => {
      slots[i] = ((this.#keys[cell] as number) - 1) % Cells.slots;
      values[i] = this.#values[cell] as number;
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
    if (this.#keys.length > 1 << 16) {
      this.#keys = new Float64Array(1 << 8);
      this.#values = new Float64Array(1 << 8);
    } else this.#keys.fill(0);
    this.#used = 0;
    this.#starts = undefined;
    this.#order = new Uint32Array(0);
  }

  /** Puts each row's cells side by side. */
  #sort(rows: number): void {
    const starts = new Uint32Array(rows + 1);
    this.each((row) => {
      starts[row + 1] = (starts[row + 1] as number) + 1;
    });
    for (let row = 0; row < rows; row++) starts[row + 1] = (starts[row + 1] as number) + (starts[row] as number);
    const next = starts.slice();
    this.#order = new Uint32Array(this.#used);
    for (let at = 0; at < this.#keys.length; at++) {
      const key = (this.#keys[at] as number) - 1;
      if (key < 0) continue;
      const row = Math.floor(key / Cells.slots);
      const place = next[row] as number;
      next[row] = place + 1;
      this.#order[place] = at;
    }
    this.#starts = starts;
  }

  #find(key: number, row: number, slot: number): number {
    const last = this.#keys.length - 1;
    let at = mix(Math.imul(row, 0x9e3779b1) ^ slot) & last;
    while (this.#keys[at] !== 0 && this.#keys[at] !== key) at = (at + 1) & last;
    return at;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Float64Array(keys.length * 2);
    this.#values = new Float64Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as number;
      if (key === 0) continue;
      const at = this.#find(key, Math.floor((key - 1) / Cells.slots), (key - 1) % Cells.slots);
      this.#keys[at] = key;
      this.#values[at] = values[i] as number;
    }
  }
}

const shared: Slots = {
  length: 0,
  slots: new Uint32Array(Cells.slots),
  values: new Float64Array(Cells.slots),
};
