import { shorten, shortenEnd, width } from '../../schemas/pipe/terminal/shorten.js';
import type { Column, Placed } from './column.js';

/** The maximum width of a column that grows. A longer text shifts the rest of its line, but not of the following lines. */
export const widest = 64;

/** Places columns for output of any width: all but the extra ones, which grow with what they show. */
export function growing<T>(columns: readonly Column<T>[]): Placed<T>[] {
  return columns.flatMap((column, at) => (column.extra ? [] : [{ column, at, width: column.ideal }]));
}

/**
 * Places the columns that fit into a terminal of this width. `needed` are the widths of the texts so far, one for each column:
 * the column of reasons takes what it needs from columns that are wider than their texts, then from those above their minimum.
 */
export function fitting<T>(columns: readonly Column<T>[], limit: number, needed: readonly number[] = []): Placed<T>[] {
  const kept = choose(columns, limit);
  const placed = columns.flatMap((column, at) => (kept.has(column) ? [{ column, at, width: column.min }] : []));
  for (let over = total(placed) - limit; over > 0; over--) {
    const large = placed.reduce((a, b) => (b.width > a.width ? b : a));
    if (large.width === 1) break;
    large.width--;
  }
  for (let room = limit - total(placed); room > 0; room--) {
    const poor = placed.reduce((a, b) => (share(b) < share(a) ? b : a));
    if (share(poor) >= 1) break;
    poor.width++;
  }
  const last = placed.at(-1);
  if (last && !last.column.right) last.width += Math.max(0, limit - total(placed));
  const reason = placed.find(({ column }) => column.reason);
  if (reason) widenReason(reason, placed, needed);
  return placed;
}

function widenReason(reason: Placed<never>, placed: readonly Placed<never>[], needed: readonly number[]): void {
  const others = placed.filter(({ column }) => column !== reason.column && column.ideal > column.min);
  const content = ({ at, column }: Placed<never>) => Math.max(needed[at] ?? 0, column.title.length);
  const unused = (place: Placed<never>) => place.width - content(place);
  for (let lacks = (needed[reason.at] ?? 0) - reason.width; lacks > 0; lacks--) {
    const giving = others.filter((place) => place.width > Math.min(place.column.min, content(place)));
    if (giving.length === 0) break;
    giving.reduce((a, b) => (unused(b) > unused(a) ? b : a)).width--;
    reason.width++;
  }
}

function choose<T>(columns: readonly Column<T>[], limit: number): Set<Column<T>> {
  const needed = (which: Iterable<Column<T>>, width: 'min' | 'ideal') =>
    [...which].reduce((sum, column) => sum + column[width] + 1, -1);
  const kept = new Set(columns.filter(({ extra }) => !extra));
  const dropped = [...kept].filter(({ rank }) => rank).sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0));
  for (const column of dropped) if (needed(kept, 'min') > limit) kept.delete(column);
  const extras = columns.filter(({ extra }) => extra).sort((a, b) => (a.rank ?? 0) - (b.rank ?? 0));
  for (const column of extras) {
    if (needed([...kept, column], 'ideal') > limit) break;
    kept.add(column);
  }
  return kept;
}

const total = (placed: readonly Placed<never>[]) => placed.reduce((sum, { width }) => sum + width + 1, -1);

/** How much of the room that it needs, beyond its minimum, a column has. */
function share({ width, column: { min, ideal } }: Placed<never>): number {
  return ideal > min ? (width - min) / (ideal - min) : 1;
}

/** Widens growing columns as these texts, one for each column, need. */
export function widen(placed: readonly Placed<never>[], texts: readonly string[]): void {
  for (const place of placed) {
    const wide = width(texts[place.at] as string);
    if (wide > place.width && wide <= widest) place.width = wide;
  }
}

/** Formats one row of growing columns, given the texts of all columns. */
export function growingRow(placed: readonly Placed<never>[], texts: readonly string[], paint: PaintCell): string {
  widen(placed, texts);
  return row(placed, texts, paint);
}

/** Formats one row that fits, given the texts of all columns. */
export function fittingRow(placed: readonly Placed<never>[], texts: readonly string[], paint: PaintCell): string {
  const short = [...texts];
  for (const { at, width, column } of placed)
    short[at] = (column.fromStart ? shortenEnd : shorten)(texts[at] as string, width);
  return row(placed, short, paint);
}

/** Styles the text of a column. */
export type PaintCell = (text: string, column: Column<never>) => string;

function row(placed: readonly Placed<never>[], texts: readonly string[], paint: PaintCell): string {
  let row = '';
  let gap = 0; // blanks, which are written only if something follows them
  for (const { column, at, width: wide } of placed) {
    const text = texts[at] as string;
    const rest = Math.max(0, wide - width(text));
    if (column.right) gap += rest;
    if (text !== '') {
      row += ' '.repeat(gap) + paint(text, column);
      gap = 0;
    }
    gap += column.right ? 1 : rest + 1;
  }
  return row;
}
