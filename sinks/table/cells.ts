import { printable } from '../../schemas/pipe/messages/printable.js';

/** No column gets wider: a longer text moves the rest of its own line, not that of all the lines behind it. */
const widest = 64;

/** A column of a table: what an event has in it. */
export interface Column<T> {
  title: string;
  /** It begins so wide, and widens with the first text that needs it. */
  width: number;
  /** Numbers stand at the right. */
  right?: boolean;
  text(event: T): string;
}

/** The time of day, in this machine's time zone, of a `ts` or of ms since 1970. */
export function clock(ts: string | number): string {
  return new Date(ts).toTimeString().slice(0, 8);
}

export const milliseconds = (us: number) => (us / 1000).toFixed(3);

/** Texts side by side; widens the columns as needed. */
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

/** Loaded with the first text that needs it, since few do, and a start should be quick. */
let stringWidth: ((text: string) => number) | undefined;

const isPlain = (text: string) => /^[\x20-\x7e]*$/.test(text);

/** To be waited for before texts that are not plain are put into a table. */
export function ready(texts: readonly string[]): Promise<void> | undefined {
  if (stringWidth || texts.every(isPlain)) return undefined;
  return import('string-width').then((loaded) => {
    stringWidth = loaded.default;
  });
}

/** How many columns of a terminal a text takes: a Chinese sign takes two, a combining one none. */
function width(text: string): number {
  return isPlain(text) || !stringWidth ? text.length : stringWidth(text);
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
