import { nearest } from '../pipe/command/options.js';
import { inUnit, units } from './duration.js';
import type { Literal } from './expression.js';
import type { Kind } from './kind.js';
import { addresses } from './match.js';
import type { Fail } from './reader.js';

/** A field that literals are compared with. A field of the reader's own has no kind: its values may be anything. */
export interface Subject {
  name: string;
  kind: Kind | undefined;
  /** All the fields that the schemas have. */
  names: { has(name: string): boolean };
  fail: Fail;
}

const ownUnits: Record<string, number> = { _us: -6, _ms: -3, _s: 0 };
const number = /^(-?\d+(?:\.\d+)?)([a-zµ]*)$/;
const range = /^(\d+(?:\.\d+)?[a-zµ]*)-(\d+(?:\.\d+)?[a-zµ]*)$/;

const quotes = ({ text }: Literal) => `"${text}"`;

const exponentOf = (name: string): number | undefined => ownUnits[/_[um]?s$/.exec(name)?.[0] ?? ''];

/** Whether a bare word is a number, or in a list a range, for a field that no schema tells of. */
export function isNumber(text: string, name: string, many: boolean): boolean {
  const parts = (many && range.exec(text)?.slice(1)) || [text];
  return parts.every((part) => {
    const [, digits, unit = ''] = number.exec(part) ?? [];
    return digits !== undefined && (unit === '' || (Object.hasOwn(units, unit) && exponentOf(name) !== undefined));
  });
}

/** A number in the field's own unit: `443`, `-1.5`, and for durations `100ms`. */
export function numberOf(literal: Literal, { name, kind, fail }: Subject): number | bigint {
  const { text, quoted, at } = literal;
  const [, digits = '', unit = ''] = (!quoted && number.exec(text)) || [];
  const exponent = kind ? kind.exponent : exponentOf(name);
  if (digits === '') {
    const example = exponent === undefined ? '443' : '100ms';
    fail(at, `${name} wants a number, not ${quotes(literal)}; write it as ${example}, without quotes`);
  }
  if (unit === '') return kind || digits.includes('.') ? Number(digits) : exactly(digits);
  if (!Object.hasOwn(units, unit)) fail(at, `no unit is named "${unit}"; there are us, ms and s`);
  if (exponent === undefined) fail(at, `${name} is no duration; write ${digits} without ${unit}`);
  return inUnit(digits, unit, exponent as number);
}

/** A whole number of a field that no schema bounds. */
function exactly(digits: string): number | bigint {
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);
}

/** What a number may be equal to: `443`, and `8000-8100` in a list; the first and the last. */
export function rangeOf(
  literal: Literal,
  subject: Subject,
  many: boolean,
): [first: number | bigint, last: number | bigint] {
  const { name, fail } = subject;
  const { text, quoted, at } = literal;
  const [, from, to] = (!quoted && range.exec(text)) || [];
  if (from === undefined || to === undefined) {
    const value = numberOf(literal, subject);
    inBounds(value, literal, subject);
    return [value, value];
  }
  if (!many) fail(at, `${text} is a range; write ${name} in ${text}`);
  const first = numberOf({ text: from, quoted, at }, subject);
  const last = numberOf({ text: to, quoted, at: at + text.length - to.length }, subject);
  if (first > last) fail(at, `the range ${text} is backwards; write ${to}-${from}`);
  inBounds(first, literal, subject);
  inBounds(last, literal, subject);
  return [first, last];
}

/** A value that a field can never have is a slip. */
function inBounds(value: number | bigint, { text, at }: Literal, { name, kind, fail }: Subject): void {
  if (!kind) return;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, whole } = kind;
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return;
  fail(at, `${name} is never ${text}; it is a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
}

/** Addresses, and CIDR blocks in a list, as one text for `addresses`. */
export function networksOf(literals: readonly Literal[], { name, fail }: Subject, many: boolean): string {
  for (const literal of literals) {
    const { text, at } = literal;
    if (!many && text.includes('/')) fail(at, `${text} is a network; write ${name} in ${text}`);
    if (text.includes(',') || !isNetwork(text)) {
      const cidr = many ? ' or a CIDR block' : '';
      fail(
        at,
        `${name} wants an address${cidr}, not ${quotes(literal)}; write for example 10.0.0.${many ? '0/8' : '1'}`,
      );
    }
  }
  return literals.map(({ text }) => text).join(',');
}

export function isNetwork(text: string): boolean {
  try {
    addresses(text);
    return true;
  } catch {
    return false;
  }
}

/** One of the values that the schema lists. */
export function choiceOf(literal: Literal, { name, kind, fail }: Subject): unknown {
  const words = kind?.words ?? [];
  const wanted = words.find((word) => String(word) === literal.text);
  if (wanted !== undefined) return wanted;
  if (words.length === 1 && words[0] === true) {
    fail(literal.at, `${name} is true or missing, never ${quotes(literal)}; write ${name} or not ${name}`);
  }
  const near = nearest(literal.text, words.map(String));
  return fail(literal.at, `${name} is never ${quotes(literal)}; ${near ?? `it is ${words.join(' or ')}`}`);
}

/** A text that the field can have. */
export function textOf(literal: Literal, { name, kind, names, fail }: Subject): string {
  const { text, quoted, at } = literal;
  if (!quoted && names.has(text)) {
    fail(at, `fields are not compared with each other; write "${text}" if the text is meant`);
  }
  const { pattern, maxLength = Number.POSITIVE_INFINITY } = kind ?? {};
  if ([...text].length > maxLength) {
    fail(at, `${name} has at most ${maxLength} characters; write fewer, or =~ for the begin of a text`);
  }
  if (pattern !== undefined && !new RegExp(pattern).test(text)) {
    fail(at, `${name} is never ${quotes(literal)}; it is like ${pattern}`);
  }
  return text;
}

/** A moment in the form that events have, so that texts compare as the moments do. */
export function timeOf(literal: Literal, { name, fail }: Subject): string {
  const { text, at } = literal;
  const [, day, clock, seconds = ':00', fraction = '', zone] =
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const there = day !== undefined && new Date(`${day}T00:00:00Z`); // JavaScript takes February 30 for March 2
  const time = new Date(`${day}T${clock}${seconds}${zone}`);
  if (!there || Number.isNaN(+there) || there.toISOString().slice(0, 10) !== day || Number.isNaN(+time)) {
    fail(at, `${name} wants a time, not ${quotes(literal)}; write it as 2026-11-23T08:15:30Z`);
  }
  return time.toISOString().replace('.000Z', `.${fraction.padEnd(6, '0')}Z`);
}
