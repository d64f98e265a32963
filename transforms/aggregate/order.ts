import { invalidValue } from '../../schemas/pipe/messages/errors.js';
import type { Table } from './table.js';

/** The field of the summaries by which groups are ordered. */
export interface Order {
  name: string;
  ascending: boolean;
}

/** Parses `latency_p99_us` (largest first) or `first:asc` (smallest first). Throws UsageError. */
export function orderBy(text: string): Order {
  const [, name, way] = /^([\w.-]+?)(?::(asc|desc))?$/.exec(text) ?? [];
  if (name === undefined) throw invalidValue(text, 'use a field of the summaries, such as count or first:asc');
  return { name, ascending: way === 'asc' };
}

/** Returns the rows in order. Groups without the field come last, and equal groups are ordered by their key. */
export function sorted(
  rows: Uint32Array,
  table: Table,
  { name, ascending }: Order,
  count: (row: number) => number,
  event: (row: number) => Record<string, unknown>,
): Uint32Array {
  const sign = ascending ? 1 : -1;
  const byKey = (a: number, b: number) => {
    const [one, other] = [table.key(a), table.key(b)];
    return Buffer.compare(one.bytes.subarray(one.start, one.end), other.bytes.subarray(other.start, other.end));
  };
  if (name === 'count') {
    const counts = new Float64Array(table.rows);
    for (const row of rows) counts[row] = count(row);
    return rows.sort((a, b) => sign * ((counts[a] as number) - (counts[b] as number)) || byKey(a, b));
  }
  const values = new Map(Array.from(rows, (row) => [row, event(row)[name] as string | number | undefined]));
  return rows.sort((a, b) => {
    const [one, other] = [values.get(a), values.get(b)];
    if (one === undefined || other === undefined) {
      return Number(one === undefined) - Number(other === undefined) || byKey(a, b);
    }
    return one === other ? byKey(a, b) : sign * (one < other ? -1 : 1);
  });
}
