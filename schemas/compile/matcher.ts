import type { Part } from './pattern.js';

/** The longest line that is scanned: places in it are kept in 16 bits. */
export const mostBytes = 0xffff;

/**
 * How the scanner checks a value. A matcher accepts only what the schema allows, in its canonical spelling. Everything else is
 * left to JSON.parse and ajv, so a matcher that accepts too little is slow but never wrong.
 */
export type Matcher =
  /** One of these texts. */
  | { kind: 'literals'; texts: string[] }
  /** A whole number from min to max, digits only. */
  | { kind: 'integer'; min: number; max: number }
  /** A string of min to max characters (code points). */
  | { kind: 'string'; min: number; max: number }
  /** A string of ASCII characters that matches a pattern. */
  | { kind: 'pattern'; source: string; parts: Part[] }
  /** An address of one of these families, as a string. */
  | { kind: 'address'; ipv4: boolean; ipv6: boolean }
  /** An array of min to max values. */
  | { kind: 'list'; item: Matcher; min: number; max: number }
  /** An object with these members, or with a single one of them, in any order. */
  | { kind: 'object'; members: Step[]; single: boolean }
  /** An object whose members are not in the schema. */
  | { kind: 'open' }
  /** No value at all: a line with this field is never accepted. */
  | { kind: 'none' };

export interface Step {
  name: string;
  required: boolean;
  value: Matcher;
}

/** Returns the text before a step's value, with the opening quote if the value is always a string. */
export function keyOf({ name, value }: Step): string {
  const quoted = value.kind === 'string' || value.kind === 'pattern' || value.kind === 'address';
  return `,"${name}":${quoted ? '"' : ''}`;
}

/** Describes what a matcher accepts, for the comments of generated code. */
export function describe(value: Matcher): string {
  const many = (min: number, max: number) => (max === mostBytes ? `${min} or more` : `${min} to ${max}`);
  switch (value.kind) {
    case 'literals':
      return value.texts.join(' or ');
    case 'integer':
      return `a whole number from ${value.min} to ${value.max}`;
    case 'string':
      return `a string of ${many(value.min, value.max)} characters`;
    case 'pattern':
      return `a string like ${value.source}`;
    case 'address':
      return [value.ipv4 && 'IPv4', value.ipv6 && 'IPv6'].filter(Boolean).join(' or ');
    case 'list':
      return `a list of ${many(value.min, value.max)} of: ${describe(value.item)}`;
    case 'object':
      return `an object with ${value.single ? 'one' : 'some'} of ${value.members.map(({ name }) => name).join(', ')}`;
    case 'open':
      return 'an object';
    case 'none':
      return 'left to JSON.parse and ajv';
  }
}
