import { printable } from '../../schemas/pipe/errors.js';

/** A column of a table: what an event has in it. */
export interface Column<T> {
  title: string;
  /** It begins so wide, and widens with the first text that needs it. */
  width: number;
  /** Numbers stand at the right. */
  right?: boolean;
  text(event: T): string;
}

/** The time of day of a `ts`, in this machine's time zone. */
export function clock(ts: string): string {
  return new Date(ts).toTimeString().slice(0, 8);
}

export const milliseconds = (us: number) => (us / 1000).toFixed(3);

/** Texts side by side; widens the columns as needed. */
export function row(columns: readonly Column<never>[], texts: readonly string[]): string {
  return texts
    .map((text, at) => {
      const column = columns[at] as Column<never>;
      const wide = width(text);
      if (wide > column.width) column.width = wide;
      const gap = ' '.repeat(column.width - wide);
      return column.right ? gap + text : text + gap;
    })
    .join(' ')
    .trimEnd();
}

export function heading(columns: readonly Column<never>[]): string {
  return row(
    columns,
    columns.map(({ title }) => title),
  );
}

export function lostText({ count, stage, where }: { count: number; stage: string; where: string }): string {
  return printable(`-- ${count} lost in ${stage}: ${where} --`);
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]/u;

/** How many places a terminal needs for a text. */
export function width(text: string): number {
  if (/^[\x20-\x7e]*$/.test(text)) return text.length;
  let places = 0;
  for (const character of text) {
    if (!/[\p{M}\p{Cf}]/u.test(character)) places += wide.test(character) ? 2 : 1;
  }
  return places;
}

/** As much of a text as has place. */
export function clip(text: string, places: number): string {
  if (text.length <= places && width(text) <= places) return text;
  let clipped = '';
  let left = places;
  for (const character of text) {
    left -= width(character);
    if (left < 0) break;
    clipped += character;
  }
  return clipped;
}
