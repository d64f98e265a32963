import { printable } from '../../schemas/pipe/messages/printable.js';
import { duration } from '../../schemas/pipe/terminal/human.js';
import { width } from '../../schemas/pipe/terminal/shorten.js';
import { keyTable } from './keys.js';
import { type AnyRow, sections } from './sections.js';
import type { Overlay, Shown } from './state.js';

/** Returns the title and the lines of an overlay, wrapped to this many columns. */
export function overlay({ kind, row }: Overlay, shown: Shown, columns: number): { title: string; lines: string[] } {
  if (kind === 'help') return { title: 'Keys', lines: keyTable.map(([keys, what]) => `${keys.padEnd(22)} ${what}`) };
  if (kind === 'messages') {
    const lines = shown.messages.flatMap((message) => wrap(message, columns));
    return { title: 'Messages', lines: lines.length > 0 ? lines : ['No messages.'] };
  }
  return { title: 'The last attempt or look-up', lines: details(row as AnyRow, columns) };
}

/** Returns all fields of the event that a row stands for. */
function details({ event: { text: event } }: AnyRow, columns: number): string[] {
  if (event === '') return ['This event is too long to be kept.'];
  const fields = Object.entries(JSON.parse(event) as Record<string, unknown>);
  const widest = Math.max(...fields.map(([name]) => name.length));
  return fields.flatMap(([name, value]) => {
    const text = printable(typeof value === 'string' ? value : JSON.stringify(value));
    const inWords = /_us$/.test(name) && typeof value === 'number' ? ` (${duration(value)})` : '';
    const [first = '', ...more] = wrap(text + inWords, Math.max(8, columns - widest - 1));
    return [`${printable(name).padEnd(widest)} ${first}`, ...more.map((line) => ' '.repeat(widest + 1) + line)];
  });
}

/** Cuts a text into lines of at most this many columns. */
function wrap(text: string, columns: number): string[] {
  const lines = [];
  let line = '';
  let left = columns;
  for (const character of text) {
    const needs = width(character);
    if (needs > left) {
      lines.push(line);
      line = '';
      left = columns;
    }
    line += character;
    left -= needs;
  }
  return [...lines, line];
}

/** Returns the row as it is now, or as it was if it is gone. */
export function current(row: AnyRow, { model }: Shown): AnyRow {
  for (const { rows } of sections) for (const one of rows(model)) if (one.key === row.key) return one;
  return row;
}
