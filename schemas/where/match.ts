import { BlockList, isIP, isIPv4 } from 'node:net';
import { UsageError } from '../pipe/messages/errors.js';
import type { Network, Range } from '../pipe/scan/compiled-filter.js';
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

/** Parses `443,8000-8100`: numbers and ranges from min to max. Throws UsageError. */
export const numbers =
  (min: number, max: number) =>
  (text: string): Test => {
    const ranges = text.split(',').map((part) => {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
      const range = [Number(first), Number(last)] as const;
      if (!(range[0] >= min && range[0] <= range[1] && range[1] <= max)) {
        throw new UsageError(`needs numbers and ranges from ${min} to ${max}, not "${part}"`);
      }
      return range;
    });
    if (ranges.length === 1) {
      const [first, last] = ranges[0] as [number, number];
      return ranged((value) => typeof value === 'number' && value >= first && value <= last, ranges);
    }
    return ranged(
      (value) => typeof value === 'number' && ranges.some(([first, last]) => value >= first && value <= last),
      ranges,
    );
  };

/** Whether an IPv6 address is IPv4-mapped. */
function isMapped(address: string): boolean {
  const mapped = new BlockList();
  mapped.addSubnet('::ffff:0:0', 96, 'ipv6');
  return mapped.check(address, 'ipv6');
}

/** Parses `10.0.0.0/8,::1`: addresses and CIDR blocks of both families. Throws UsageError. */
export function addresses(text: string): Test {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }; // in a single list, ::/0 would contain IPv4 addresses
  const networks: Network[] = [];
  for (const part of text.split(',')) {
    const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(part.trim()) ?? [];
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    if (version === 0 || address.includes('%') || prefix > most) {
      throw new UsageError(`needs addresses and CIDR blocks, not "${part}"`);
    }
    const family = version === 4 ? 'ipv4' : 'ipv6';
    const asIpv4 = version === 4 || (prefix >= 96 && isMapped(address));
    lists[asIpv4 ? 'ipv4' : 'ipv6'].addSubnet(address, prefix, family);
    networks.push({ ipv6: !asIpv4, bytes: bytesOf(address), prefix: version === 4 ? prefix + 96 : prefix });
  }
  const test: Test = (value) => {
    if (typeof value !== 'string') return false;
    if (!value.includes(':')) return lists.ipv4.check(value, 'ipv4');
    return lists.ipv6.check(value, 'ipv6') || lists.ipv4.check(value, 'ipv6'); // ::ffff:a.b.c.d is a.b.c.d
  };
  return Object.assign(test, { networks });
}

/** Returns the 16 bytes of a valid address. An IPv4 address becomes IPv4-mapped (::ffff:a.b.c.d). */
function bytesOf(address: string): Uint8Array {
  if (isIPv4(address)) return bytesOf(`::ffff:${address}`);
  const text = address.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...part) =>
    [0, 2].map((at) => (Number(part[at]) * 256 + Number(part[at + 1])).toString(16)).join(':'),
  );
  const [front = [], back = []] = text.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const gap = new Array(8 - front.length - back.length).fill('0');
  return Uint8Array.from(
    [...front, ...gap, ...back].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 255];
    }),
  );
}

/**
 * Parses a glob over the whole name (`*`, `?`, `[abc]`, `[!abc]`), or a `/regular expression/` with optional `i`. With the
 * flag i, a glob ignores case. Throws UsageError.
 */
export function names(text: string, flag: 'i' | '' = ''): Test {
  const [, source, flags] = /^\/(.*)\/(i?)$/s.exec(text) ?? [];
  return source === undefined ? globs(text, flag) : matching(() => pattern(source, flags));
}

/** Parses a glob as `names` does, even if the text is between slashes. Throws UsageError. */
export function globs(text: string, flag: 'i' | '' = ''): Test {
  return matching(() => glob(text, flag));
}

function matching(make: () => (text: string) => boolean): Test {
  try {
    const matches = make();
    return (value) => typeof value === 'string' && matches(value);
  } catch (error) {
    throw new UsageError(`has an invalid pattern: ${(error as Error).message}`);
  }
}
