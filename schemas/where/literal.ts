import { nearest } from '../pipe/command/nearest.js';
import { inUnit, units } from './duration.js';
import type { Literal } from './expression.js';
import type { Kind } from './kind.js';
import { addresses } from './match.js';
import type { Fail } from './reader.js';
import { insteadOf } from './words.js';

/** A field that literals are compared with. `kind` is undefined for a field in no schema: its values may be anything. */
export interface Subject {
  name: string;
  kind: Kind | undefined;
  /** The names of all fields in the schemas. */
  names: { has(name: string): boolean };
  fail: Fail;
}

const ownUnits: Record<string, number> = { _us: -6, _ms: -3, _s: 0 };
const number = /^(-?\d+(?:\.\d+)?)([a-zµ]*)$/;
const range = /^(\d+(?:\.\d+)?[a-zµ]*)-(\d+(?:\.\d+)?[a-zµ]*)$/;

const quotes = ({ text }: Literal) => `"${text}"`;

const exponentOf = (name: string): number | undefined => ownUnits[/_[um]?s$/.exec(name)?.[0] ?? ''];

/** Whether a bare word is a number (with `many` also a range), for a field that is in no schema. */
export function isNumber(text: string, name: string, many: boolean): boolean {
  const parts = (many && range.exec(text)?.slice(1)) || [text];
  return parts.every((part) => {
    const [, digits, unit = ''] = number.exec(part) ?? [];
    return digits !== undefined && (unit === '' || (Object.hasOwn(units, unit) && exponentOf(name) !== undefined));
  });
}

/** Converts a literal to a number in the field's own unit: `443`, `-1.5`, or `100ms` for durations. Calls `fail` if it cannot. */
export function numberOf(literal: Literal, { name, kind, fail }: Subject): number | bigint {
  const { text, quoted, at } = literal;
  const [, digits = '', unit = ''] = (!quoted && number.exec(text)) || [];
  const exponent = kind ? kind.exponent : exponentOf(name);
  if (digits === '') {
    const example = exponent === undefined ? '443' : '100ms';
    fail(at, `${name} needs a number, not ${quotes(literal)}; write one such as ${example}, without quotes`);
  }
  if (unit === '') return kind || digits.includes('.') ? Number(digits) : exactly(digits);
  if (!Object.hasOwn(units, unit)) fail(at, `unknown unit "${unit}"; use us, ms or s`);
  if (exponent === undefined) fail(at, `${name} is not a duration; write ${digits} without ${unit}`);
  return inUnit(digits, unit, exponent as number);
}

/** Returns a whole number exactly, as a bigint if it is beyond 2^53. */
function exactly(digits: string): number | bigint {
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);
}

/** Converts a literal to an inclusive range: `443` is a single number; `8000-8100` is allowed only with `many`. */
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

/** Calls `fail` if the field can never have this value: that is a mistake of the user. */
function inBounds(value: number | bigint, { text, at }: Literal, { name, kind, fail }: Subject): void {
  if (!kind) return;
  const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, whole } = kind;
  if (value >= min && value <= max && (!whole || Number.isInteger(value))) return;
  fail(at, `${name} is never ${text}; it is a ${whole ? 'whole ' : ''}number from ${min} to ${max}`);
}

/** Joins addresses (with `many` also CIDR blocks) to one text for `addresses`. */
export function networksOf(literals: readonly Literal[], { name, fail }: Subject, many: boolean): string {
  for (const literal of literals) {
    const { text, at } = literal;
    if (!many && text.includes('/')) fail(at, `${text} is a network; write ${name} in ${text}`);
    if (text.includes(',') || !isNetwork(text)) {
      const cidr = many ? ' or a CIDR block' : '';
      fail(
        at,
        `${name} needs an address${cidr}, not ${quotes(literal)}; write for example 10.0.0.${many ? '0/8' : '1'}`,
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

/** Returns the value that the literal names, out of those that the schema lists. */
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

/** Returns the literal's text. Calls `fail` if the field cannot have that text. */
export function textOf(literal: Literal, { name, kind, names, fail }: Subject): string {
  const { text, quoted, at } = literal;
  if (!quoted && names.has(text)) {
    fail(at, `two fields cannot be compared with each other; write "${text}" to compare with that text`);
  }
  const { pattern, maxLength = Number.POSITIVE_INFINITY } = kind ?? {};
  if ([...text].length > maxLength) {
    fail(at, `${name} has at most ${maxLength} characters; write fewer, or use =~ to match the beginning`);
  }
  if (pattern !== undefined && !new RegExp(pattern).test(text)) {
    fail(at, `${name} is never ${quotes(literal)}; its values match ${pattern}`);
  }
  const instead = kind && insteadOf(name, text);
  if (instead) fail(at, `${name} is never ${quotes(literal)}; ${instead}`);
  return text;
}

/** Returns a time in the form that events use, in which times compare as texts. */
export function timeOf(literal: Literal, { name, fail }: Subject): string {
  const { text, at } = literal;
  const [, day, clock, seconds = ':00', fraction = '', zone] =
    /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d)?(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)$/.exec(text) ?? [];
  const there = day !== undefined && new Date(`${day}T00:00:00Z`); // JavaScript takes February 30 for March 2
  const time = new Date(`${day}T${clock}${seconds}${zone}`);
  if (!there || Number.isNaN(+there) || there.toISOString().slice(0, 10) !== day || Number.isNaN(+time)) {
    fail(at, `${name} needs a time, not ${quotes(literal)}; write one such as 2026-11-23T08:15:30Z`);
  }
  return time.toISOString().replace('.000Z', `.${fraction.padEnd(6, '0')}Z`);
}
