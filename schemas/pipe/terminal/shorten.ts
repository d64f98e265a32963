/** Loaded with the first text that needs it: few do, and start-up should be fast. */
let stringWidth: ((text: string) => number) | undefined;

/** Whether each UTF-16 unit of a text takes one column: ASCII, most Latin letters and what this program draws itself. */
const isPlain = (text: string) => /^[\x20-\x7e\xa1-\xac\xae-\u02af…→↑↓]*$/.test(text);
const ellipsis = '…';
/** A port at the end of an address, with the bracket of an IPv6 address or the mark of a guessed name. */
const port = /[\]?]?:\d{1,5}$/;

let isMissing = false; // a text was measured that needs it

/** Loads what is needed to measure these texts. If it returns a promise, wait for it before you measure them. */
export function ready(texts: readonly string[]): Promise<void> | undefined {
  if (!stringWidth && !texts.every(isPlain)) isMissing = true;
  return missing();
}

/** Loads what was missing to measure a text. If it returns a promise, wait for it and measure again. */
export function missing(): Promise<void> | undefined {
  if (!isMissing) return undefined;
  return import('string-width').then((loaded) => {
    stringWidth = loaded.default;
    isMissing = false;
  });
}

/** Returns how many terminal columns a text takes: two for a Chinese character, zero for a combining one. */
export function width(text: string): number {
  if (isPlain(text)) return text.length;
  isMissing = !stringWidth;
  return stringWidth?.(text) ?? text.length;
}

/** Cuts off what exceeds this number of columns. */
export function clip(text: string, limit: number): string {
  if (width(text) <= limit) return text;
  return start(isPlain(text) ? text : characters(text), limit);
}

/**
 * Shortens a text to this number of columns by an ellipsis in its middle: `[2001:db8…::7]:443`. A port at the end stays whole
 * if there is room for one more character.
 */
export function shorten(text: string, limit: number): string {
  if (width(text) <= limit) return text;
  if (limit < 1) return '';
  const portLength = port.exec(text)?.[0].length ?? 0;
  const half = Math.floor((limit - 1) / 2);
  const end = portLength + 2 <= limit ? Math.max(half, portLength) : half;
  if (isPlain(text)) return text.slice(0, limit - 1 - end) + ellipsis + text.slice(text.length - end);
  const all = characters(text);
  const last = start(all.toReversed(), end, (taken, character) => character + taken);
  return start(all, limit - 1 - width(last)) + ellipsis + last;
}

/** Shortens a text to this number of columns by an ellipsis at its end. */
export function shortenEnd(text: string, limit: number): string {
  return width(text) <= limit ? text : limit < 1 ? '' : clip(text, limit - 1) + ellipsis;
}

/** Fills a text with blanks to this number of columns: at the end, or at the start to align numbers to the right. */
export function pad(text: string, columns: number, right = false): string {
  const gap = ' '.repeat(Math.max(0, columns - width(text)));
  return right ? gap + text : text + gap;
}

/** Returns as many characters as fit. */
function start(characters: Iterable<string>, limit: number, add = (taken: string, next: string) => taken + next) {
  let taken = '';
  let left = limit;
  for (const character of characters) {
    left -= width(character);
    if (left < 0) break;
    taken = add(taken, character);
  }
  return taken;
}

/** Returns the characters as a reader sees them: a letter with its accents is one. */
const characters = (text: string) => Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment);
