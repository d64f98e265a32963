import { UsageError } from '../../schemas/pipe/errors.js';
import { nearest } from '../../schemas/pipe/options.js';
import type { Measures, Window } from './measure.js';
import type { Table } from './table.js';
import type { Writer } from './write.js';

/** By which field of the summaries groups are ordered. */
export interface Order {
  name: string;
  ascending: boolean;
}

/** `latency_p99_us`, largest first, or `first:asc`. */
export function orderBy(text: string): Order {
  const [, name, way] = /^([\w.-]+?)(?::(asc|desc))?$/.exec(text) ?? [];
  if (name === undefined) throw new UsageError(`wants a field of the summaries, as count or first:asc, not "${text}"`);
  return { name, ascending: way === 'asc' };
}

/** Throws UsageError where no summary has the field. */
export function checkOrder({ name }: Order, names: string[]): void {
  if (names.includes(name)) return;
  throw new UsageError(`--order-by ${name}: no summary has it; ${nearest(name, names) ?? 'choose it with --measure'}`);
}

/** The rows from 1 in their order. Groups without the field come last, equal ones by their key. */
export function sorted(table: Table, { name, ascending }: Order, measures: Measures, writer: Writer, window: Window) {
  const rows = Uint32Array.from({ length: table.rows - 1 }, (_, i) => i + 1);
  const sign = ascending ? 1 : -1;
  const byKey = (a: number, b: number) => {
    const [one, other] = [table.key(a), table.key(b)];
    return Buffer.compare(one.bytes.subarray(one.start, one.end), other.bytes.subarray(other.start, other.end));
  };
  if (name === 'count') {
    const counts = Float64Array.from(rows, (row) => measures.count(table, row, window));
    return rows.sort((a, b) => sign * ((counts[a - 1] as number) - (counts[b - 1] as number)) || byKey(a, b));
  }
  const values = Array.from(rows, (row): string | number | undefined => {
    const { buffer, length } = writer.row(table, row, window);
    return JSON.parse(buffer.toString('utf8', 0, length))[name];
  });
  return rows.sort((a, b) => {
    const [one, other] = [values[a - 1], values[b - 1]];
    if (one === undefined || other === undefined) {
      return Number(one === undefined) - Number(other === undefined) || byKey(a, b);
    }
    return one === other ? byKey(a, b) : sign * (one < other ? -1 : 1);
  });
}
