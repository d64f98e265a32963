import { printable } from '../../schemas/pipe/messages/printable.js';

/** The maximum width of a column. A longer text shifts the rest of its line, but not of the following lines. */
const widest = 64;

/** A column of a table. `text` returns its content for an event. */
export interface Column<T> {
  title: string;
  /** The current width. It grows when a text needs more. */
  width: number;
  /** Aligns to the right, for numbers. */
  right?: boolean;
  text(event: T): string;
}

/** Returns the local time of day for a `ts` or for ms since the epoch. */
export function clock(ts: string | number): string {
  return new Date(ts).toTimeString().slice(0, 8);
}

export const milliseconds = (us: number) => (us / 1000).toFixed(3);

/** Formats one row. Widens the columns as needed. */
export function row(columns: readonly Column<never>[], texts: readonly string[]): string {
  return texts
    .map((text, at) => {
      const column = columns[at] as Column<never>;
      const wide = width(text);
      if (wide > column.width && wide <= widest) column.width = wide;
      const gap = ' '.repeat(Math.max(0, column.width - wide));
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

/** Loaded with the first text that needs it: few do, and start-up should be fast. */
let stringWidth: ((text: string) => number) | undefined;

const isPlain = (text: string) => /^[\x20-\x7e]*$/.test(text);

/** Loads what is needed to measure texts. If it returns a promise, wait for it before formatting them. */
export function ready(texts: readonly string[]): Promise<void> | undefined {
  if (stringWidth || texts.every(isPlain)) return undefined;
  return import('string-width').then((loaded) => {
    stringWidth = loaded.default;
  });
}

/** Returns how many terminal columns a text takes: two for a Chinese character, zero for a combining one. */
function width(text: string): number {
  return isPlain(text) || !stringWidth ? text.length : stringWidth(text);
}

/** Truncates a text to the given number of terminal columns. */
export function clip(text: string, limit: number): string {
  if (text.length <= limit && width(text) <= limit) return text;
  let clipped = '';
  let left = limit;
  for (const character of text) {
    left -= width(character);
    if (left < 0) break;
    clipped += character;
  }
  return clipped;
}
