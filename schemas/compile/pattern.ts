/** A set of bytes, as inclusive ranges. */
export type ByteSet = [first: number, last: number][];

/**
 * A piece of a pattern: `min` to `max` bytes of a set (as many as match; only the last piece may vary in length), or one of
 * several sequences of equal length.
 */
export type Part = { set: ByteSet; min: number; max: number } | { choices: ByteSet[][] };

/**
 * Parses a regular expression, anchored at both ends, into pieces that match without backtracking: sets of ASCII characters,
 * counts, and groups of alternatives of equal length. Calls `fail` if the expression has anything else.
 */
export function parsePattern(source: string, fail: (what: string) => never): Part[] {
  const no = () => fail(`the pattern ${source}`);
  if (!source.startsWith('^') || !source.endsWith('$')) no();
  const parts: Part[] = [];
  let rest = source.slice(1, -1);
  while (rest !== '') {
    const [group, inner] = /^\((?!\?)([^()]*)\)/.exec(rest) ?? [];
    if (group !== undefined) {
      const choices = (inner as string).split('|').map((text) => sequence(text, no));
      if (choices.some((choice) => choice.length !== choices[0]?.length || choice.length === 0)) no();
      parts.push({ choices });
      rest = rest.slice(group.length);
      if (/^[*+?{]/.test(rest)) no();
      continue;
    }
    const [set, taken] = one(rest, no);
    rest = rest.slice(taken);
    const [count = '', least, most] = /^\{(\d+)(?:,(\d+))?\}/.exec(rest) ?? [];
    rest = rest.slice(count.length);
    if (/^[*+?{]/.test(rest)) no();
    const min = Number(least ?? 1);
    const max = Number(most ?? min);
    if (min !== max && rest !== '') no();
    parts.push({ set, min, max });
  }
  return parts;
}

function sequence(text: string, no: () => never): ByteSet[] {
  const sets: ByteSet[] = [];
  for (let at = 0; at < text.length; ) {
    const [set, taken] = one(text.slice(at), no);
    sets.push(set);
    at += taken;
  }
  return sets;
}

/** Parses the set at the start of the text. Returns it and how many characters it takes. */
function one(text: string, no: () => never): [ByteSet, taken: number] {
  const [all, inner] = /^\[([^\]\\^]+)\]/.exec(text) ?? [];
  if (all === undefined) {
    const plain = /^[A-Za-z0-9 :;,_~@%&='<>/!#-]/.exec(text);
    if (!plain) return no();
    return [[[plain[0].charCodeAt(0), plain[0].charCodeAt(0)]], 1];
  }
  const set: ByteSet = [];
  for (const [range] of (inner as string).matchAll(/.-.|./gs)) {
    const [first, last] = [range.charCodeAt(0), range.charCodeAt(range.length - 1)];
    const holds = (code: number) => first <= code && code <= last;
    if (first > last || last > 126 || first < 32 || holds(34) || holds(92)) no(); // only bytes that JSON does not escape
    set.push([first, last]);
  }
  return [set, all.length];
}

/** Bytes at fixed places, which match one of several sequences. */
export interface Fixed {
  at: number;
  end: number;
  choices: ByteSet[][];
}

/** Splits a pattern into its bytes at fixed places and the set at its end, if the number of bytes there varies. */
export function fixedBytes(parts: Part[]): {
  fixed: Fixed[];
  open: { set: ByteSet; min: number; max: number } | undefined;
} {
  const last = parts.at(-1);
  const open = last && 'set' in last && last.min !== last.max ? last : undefined;
  let at = 0;
  const fixed = (open ? parts.slice(0, -1) : parts)
    .flatMap((part) => ('choices' in part ? [part.choices] : Array.from({ length: part.min }, () => [[part.set]])))
    .map((choices) => {
      const from = at;
      at += choices[0]?.length ?? 0;
      return { at: from, end: at, choices };
    });
  return { fixed, open };
}
