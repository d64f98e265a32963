import { BlockList, isIP } from 'node:net';
import { UsageError } from '../../schemas/pipe/errors.js';

/** Says whether a field's value is one of those asked for. A field that the event does not have never is. */
export type Test = (value: unknown) => boolean;

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
      return (value) => typeof value === 'number' && value >= first && value <= last;
    }
    return (value) => typeof value === 'number' && ranges.some(([first, last]) => value >= first && value <= last);
  };

const mapped = new BlockList();
mapped.addSubnet('::ffff:0:0', 96, 'ipv6');

/** `10.0.0.0/8,::1`: addresses and CIDR blocks of both families. */
export function addresses(text: string): Test {
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() }; // one list would find IPv4 in ::/0
  for (const part of text.split(',')) {
    const [, address = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(part.trim()) ?? [];
    const version = isIP(address);
    const most = version === 4 ? 32 : 128;
    const prefix = bits === undefined ? most : Number(bits);
    if (version === 0 || address.includes('%') || prefix > most) {
      throw new UsageError(`wants addresses and CIDR blocks, not "${part}"`);
    }
    const family = version === 4 ? 'ipv4' : 'ipv6';
    const asIpv4 = version === 4 || (prefix >= 96 && mapped.check(address, family));
    lists[asIpv4 ? 'ipv4' : 'ipv6'].addSubnet(address, prefix, family);
  }
  return (value) => {
    if (typeof value !== 'string') return false;
    if (!value.includes(':')) return lists.ipv4.check(value, 'ipv4');
    return lists.ipv6.check(value, 'ipv6') || lists.ipv4.check(value, 'ipv6'); // ::ffff:a.b.c.d is a.b.c.d
  };
}

/** A glob over the whole name (`*`, `?`, `[abc]`, `[!abc]`), or `/regular expression/` with optional `i`. */
export function names(text: string): Test {
  const expression = pattern(text);
  return (value) => typeof value === 'string' && expression.test(value);
}

function pattern(text: string): RegExp {
  const regular = /^\/(.*)\/(i?)$/s.exec(text);
  try {
    return regular ? new RegExp(regular[1] as string, regular[2]) : glob(text);
  } catch (error) {
    throw new UsageError(`has a bad expression: ${(error as Error).message}`);
  }
}

function glob(text: string): RegExp {
  const source = text.replace(/\[(!?)([^\]]+)\]|[\s\S]/g, (token, not: string | undefined, set: string | undefined) => {
    if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\\]^[]/g, '\\$&')}]`;
    if (token === '*') return '.*';
    if (token === '?') return '.';
    return token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, 'su');
}
