import { BlockList, isIP, isIPv4 } from 'node:net';
import { UsageError } from '../pipe/messages/errors.js';
import type { Network, Range } from '../pipe/scan/compiled-filter.js';
import { glob, pattern } from './pattern.js';

/** Says whether a field's value is one of those asked for. A field that the event does not have never is. */
export interface Test {
  (value: unknown): boolean;
  /** It holds for the whole numbers in these ranges, and for nothing else. */
  readonly ranges?: readonly Range[];
  /** It holds for the addresses in these networks, and for nothing else. */
  readonly networks?: readonly Network[];
}

/** The test whether a number is in one of these ranges; `ranges` says the same of whole numbers. */
export function ranged(test: Test, ranges: readonly Range[]): Test {
  return Object.assign(test, { ranges });
}

/** `443,8000-8100`: numbers and ranges from min to max. */
export const numbers =
  (min: number, max: number) =>
  (text: string): Test => {
    const ranges = text.split(',').map((part) => {
      const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? [];
      const range = [Number(first), Number(last)] as const;
      if (!(range[0] >= min && range[0] <= range[1] && range[1] <= max)) {
        throw new UsageError(`wants numbers and ranges from ${min} to ${max}, not "${part}"`);
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

/** Whether an IPv6 address is an IPv4-mapped one. */
function isMapped(address: string): boolean {
  const mapped = new BlockList();
  mapped.addSubnet('::ffff:0:0', 96, 'ipv6');
  return mapped.check(address, 'ipv6');
}

/** `10.0.0.0/8,::1`: addresses and CIDR blocks of both families. */
export function addresses(text: string): Test {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }; // one list would find IPv4 in ::/0
  const networks: Network[] = [];
  for (const part of text.split(',')) {
    const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(part.trim()) ?? [];
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    if (version === 0 || address.includes('%') || prefix > most) {
      throw new UsageError(`wants addresses and CIDR blocks, not "${part}"`);
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

/** A valid address's 16 bytes; an IPv4 one's stand behind ::ffff:. */
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
 * A glob over the whole name (`*`, `?`, `[abc]`, `[!abc]`), or `/regular expression/` with optional `i`.
 * With the flag i, a glob takes upper and lower case for the same.
 */
export function names(text: string, flag: 'i' | '' = ''): Test {
  const [, source, flags] = /^\/(.*)\/(i?)$/s.exec(text) ?? [];
  return source === undefined ? globs(text, flag) : matching(() => pattern(source, flags));
}

/** The same, but always a glob. */
export function globs(text: string, flag: 'i' | '' = ''): Test {
  return matching(() => glob(text, flag));
}

function matching(make: () => (text: string) => boolean): Test {
  try {
    const matches = make();
    return (value) => typeof value === 'string' && matches(value);
  } catch (error) {
    throw new UsageError(`has a bad expression: ${(error as Error).message}`);
  }
}
