import { bucketOf, quantile } from '../../schemas/sketch.js';
import type { Cells } from './cells.js';
import { decode, encode } from './sketch.js';
import type { ColumnRule, Table } from './table.js';
import type { TextBuffer } from './text.js';

const quantiles = { p50: 0.5, p90: 0.9, p99: 0.99 };
const [least, largest, number] = [1, 2, 3]; // the sum is in the first column

/** The minimum, mean, quantiles and maximum of one kind of durations: columns and a sketch of a table, and fields of a summary. */
export class Distribution {
  static readonly rules: readonly ColumnRule[] = ['sum', 'min', 'max', 'sum'];
  /** The fields that it writes, in order. The sketch is not one of them. */
  readonly fields: readonly string[];

  /** @param at the first of its columns @param sketch the index of its sketch */
  constructor(
    readonly name: string,
    private readonly at: number,
    private readonly sketch: number,
  ) {
    this.fields = ['min', 'mean', ...Object.keys(quantiles), 'max'].map((one) => `${name}_${one}_us`);
  }

  /** Adds a value that counts `times` times. */
  add(table: Table, row: number, value: number, times: number): void {
    const { numbers } = table;
    const at = table.base(row) + this.at;
    (numbers[at] as number) += value * times;
    if (value < (numbers[at + least] as number)) numbers[at + least] = value;
    if (value > (numbers[at + largest] as number)) numbers[at + largest] = value;
    (numbers[at + number] as number) += times;
    table.sketches[this.sketch]?.add(row, bucketOf(value), times);
  }

  /** Adds the values of a summary, given its fields and its sketch. */
  merge(table: Table, row: number, fields: Readonly<Record<string, unknown>>, sketch: string): void {
    const sum = decode(sketch, (slot, value) => {
      table.sketches[this.sketch]?.add(row, slot, value);
      table.add(row, this.at + number, value);
    });
    table.add(row, this.at, sum);
    const [min, max] = [fields[`${this.name}_min_us`], fields[`${this.name}_max_us`]];
    if (min !== undefined) table.setMin(row, this.at + least, min as number);
    if (max !== undefined) table.setMax(row, this.at + largest, max as number);
  }

  /** Writes its fields. Without values, it writes an empty sketch if `always` is set. */
  write(text: TextBuffer, table: Table, row: number, always: boolean): void {
    const { name, at } = this;
    const total = table.get(row, at + number);
    if (total === 0) {
      if (always) text.ascii(`,"${name}_sketch":"${noValues}"`);
      return;
    }
    const [sum, min, max] = [table.get(row, at), table.get(row, at + least), table.get(row, at + largest)];
    const within = (value: number) => Math.min(Math.max(Math.round(value), min), max);
    const slots = (table.sketches[this.sketch] as Cells).of(row, table.rows);
    text.field(`,"${name}_min_us":`, min);
    text.field(`,"${name}_mean_us":`, within(sum / total));
    for (const [one, q] of Object.entries(quantiles)) {
      text.field(`,"${name}_${one}_us":`, within(quantile(slots, q, total)));
    }
    text.field(`,"${name}_max_us":`, max);
    text.ascii(`,"${name}_sketch":"${encode(slots, sum)}"`);
  }
}

/** The sketch of events without a value, so that another aggregate can add it. */
const noValues = encode({ length: 0, slots: new Uint32Array(0), values: new Float64Array(0) }, 0);
