import { BlockList, isIP } from 'node:net';
import { isIpv4, type Network, parseNetwork } from '../pipe/line/address.js';
import { invalidValue } from '../pipe/messages/errors.js';
import type { Range } from '../pipe/scan/compiled-filter.js';
import { glob, pattern } from './pattern.js';

/** Returns whether a field's value matches. `value` is undefined if the event does not have the field, and never matches. */
export interface Test {
  (value: unknown): boolean;
  /** If set, a whole number passes the test exactly if it is in one of these ranges. */
  readonly ranges?: readonly Range[];
  /** If set, an address passes the test exactly if it is in one of these networks. */
  readonly networks?: readonly Network[];
}

/** Adds `ranges` to a test of numbers. They must describe the same test, for whole numbers. */
export function ranged(test: Test, ranges: readonly Range[]): Test {
  return Object.assign(test, { ranges });
}

/** Whether a value is a number. Whole numbers beyond 2^53 are bigints. */
export const isNumber = (value: unknown): value is number | bigint =>
  typeof value === 'number' || typeof value === 'bigint';

/** Returns the test that a number is in one of these ranges. */
export function within(ranges: readonly (readonly [first: number | bigint, last: number | bigint])[]): Test {
  const [[first, last] = [0, 0]] = ranges;
  const test: Test =
    ranges.length === 1
      ? (value) => isNumber(value) && value >= first && value <= last
      : (value) => isNumber(value) && ranges.some(([first, last]) => value >= first && value <= last);
  const plain = ranges.filter((range): range is Range => range.every((one) => typeof one === 'number'));
  return plain.length === ranges.length ? ranged(test, plain) : test;
}

/** Returns the test that a value is one of these. */
export function among(wanted: readonly unknown[]): Test {
  const [only] = wanted;
  return wanted.length === 1 ? (value) => value === only : (value) => wanted.includes(value);
}

/**
 * Parses `443,8000-8100`: numbers and ranges from min to max. `named` parses any other part of the list, such as a name, to a
 * number. Throws UsageError.
 */
export const numbers =
  (min: number, max: number, named?: (part: string) => number) =>
  (text: string): Test => {
    const ranges = text.split(',').map((each) => {
      const part = each.trim();
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part) ?? [];
      if (named && part !== '' && first === undefined) {
        const number = named(part);
        return [number, number] as const;
      }
      const range = [Number(first), Number(last)] as const;
      if (!(range[0] >= min && range[0] <= range[1] && range[1] <= max)) {
        throw invalidValue(part, `use numbers and ranges from ${min} to ${max}${named ? ', or names' : ''}`);
      }
      return range;
    });
    return within(ranges);
  };

/** Parses `10.0.0.0/8,::1`: addresses and CIDR blocks of both families. Throws UsageError. */
export function addresses(text: string): Test {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }; // in a single list, ::/0 would contain IPv4 addresses
  const networks: Network[] = [];
  for (const part of text.split(',')) {
    const network = parseNetwork(part.trim());
    if (!network) throw invalidValue(part, remedyOf(part.trim()));
    const { address, version, prefix } = network;
    const [bits, family] = version === 4 ? [prefix - 96, 'ipv4' as const] : [prefix, 'ipv6' as const];
    lists[isIpv4(network) ? 'ipv4' : 'ipv6'].addSubnet(address, bits, family);
    networks.push(network);
  }
  const test: Test = (value) => {
    if (typeof value !== 'string') return false;
    if (!value.includes(':')) return lists.ipv4.check(value, 'ipv4');
    return lists.ipv6.check(value, 'ipv6') || lists.ipv4.check(value, 'ipv6'); // ::ffff:a.b.c.d is a.b.c.d
  };
  return Object.assign(test, { networks });
}

function remedyOf(block: string): string {
  const [address = '', prefix = ''] = block.split('/');
  const version = isIP(address);
  if (version !== 0 && /^\d+$/.test(prefix)) return `the prefix length is at most ${version === 4 ? 32 : 128}`;
  return 'use addresses and CIDR blocks, such as 10.0.0.1 or 10.0.0.0/8';
}

/**
 * Parses a list of globs over the whole name (`*`, `?`, `[abc]`, `[!abc]`) and of `/regular expressions/` with optional `i`. A
 * comma in a glob is written `\,`. With the flag i, a glob ignores case. Throws UsageError.
 */
export function names(text: string, flag: 'i' | '' = ''): Test {
  return anyName(text, (part) => {
    const [, source, flags] = /^\/(.*)\/(i?)$/s.exec(part) ?? [];
    return source === undefined ? glob(part, flag) : pattern(source, flags);
  });
}

/** Parses a list of globs as `names` does, even if a text is between slashes. Throws UsageError. */
export function globs(text: string, flag: 'i' | '' = ''): Test {
  return anyName(text, (part) => glob(part, flag), false);
}

/** Splits a list at its commas, apart from those after a backslash, in a [class] or, with `patterns`, in a /pattern/. */
export function listParts(text: string, patterns = true): string[] {
  const parts = [''];
  for (let at = 0; at < text.length; ) {
    const isStart = parts.at(-1) === '';
    const piece = patterns && isStart && text[at] === '/' ? /\/.*?\/i?(?=,|$)/sy : /\\,|\[!?[^\]]+\]/y;
    piece.lastIndex = at;
    const [taken = text[at] as string] = piece.exec(text) ?? [];
    at += taken.length;
    if (taken === ',') parts.push('');
    else if (!(isStart && parts.length > 1 && taken === ' ')) parts[parts.length - 1] += taken === '\\,' ? ',' : taken;
  }
  return parts;
}

function anyName(text: string, make: (part: string) => (text: string) => boolean, patterns = true): Test {
  const tests = listParts(text, patterns).map((part) => matching(part, () => make(part)));
  return tests.length === 1 ? (tests[0] as Test) : (value) => tests.some((test) => test(value));
}

function matching(text: string, make: () => (text: string) => boolean): Test {
  try {
    const matches = make();
    return (value) => typeof value === 'string' && matches(value);
  } catch (error) {
    throw invalidValue(text, (error as Error).message);
  }
}
