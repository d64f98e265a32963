import { UsageError } from '../messages/errors.js';

const sizes: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** An option's `parse` for a number of bytes: `4096`, `64K`, `100M`, `2G` (powers of 1024). */
export function bytes(text: string): number {
  const [, number, unit = ''] = /^(\d+)([KMGT]?)$/.exec(text) ?? [];
  const value = Number(number) * (sizes[unit] as number);
  if (!(value > 0 && Number.isSafeInteger(value)))
    throw new UsageError(`wants a size such as 4096, 64K, 100M or 2G, not "${text}"`);
  return value;
}

/** Units of time in microseconds, the smallest first. */
export const times = { µs: 1, us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 };
export type TimeUnit = keyof typeof times;

/** What the value TIME is, in --help and man pages. */
export const timeSyntax =
  'TIME is a number with a unit (us, ms, s, m, h, d), such as 500ms, 30s or 1.5h; without one it is seconds.';

/** `500ms`, `30s`, `1.5h`, in whole microseconds. A number alone is of the unit `alone`; without that it is refused. */
export function microseconds(text: string, alone?: TimeUnit): number {
  const [, digits, unit = alone] = /^(\d{1,15}(?:\.\d{1,9})?)(us|µs|ms|s|m|h|d)?$/.exec(text) ?? [];
  const exact = unit === undefined ? Number.NaN : Number(digits) * times[unit as TimeUnit];
  const us = Math.round(exact); // 2.3 * 1e6 is 2299999.9999999995
  if (!(Number.isSafeInteger(us) && Math.abs(us - exact) < 1e-3))
    throw new UsageError(
      `needs a time${alone ? '' : ' with its unit,'} such as 500ms, 30s, 5m, 1h or 7d, not "${text}"`,
    );
  return us;
}

/** An option's `parse` for a length of time between two, in this unit, rounded up. A number alone is of the unit `alone`. */
export function time(
  unit: TimeUnit,
  { from, to, alone = 's' }: { from: string; to?: string; alone?: TimeUnit },
): (text: string) => number {
  const least = microseconds(from);
  const most = to === undefined ? Number.POSITIVE_INFINITY : microseconds(to);
  return (text) => {
    const us = microseconds(text, alone);
    if (us < least || us > most)
      throw new UsageError(`needs a time ${to ? `from ${from} to ${to}` : `of at least ${from}`}, not "${text}"`);
    return Math.ceil(us / times[unit]);
  };
}

/** An option's `parse` for a length of time, in milliseconds. */
export const duration = time('ms', { from: '1ms' });
