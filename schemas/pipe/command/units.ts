import { UsageError } from '../messages/errors.js';

const sizes: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Parses an option's number of bytes: `4096`, `64K`, `100M`, `2G` (powers of 1024). */
export function bytes(text: string): number {
  const [, number, unit = ''] = /^(\d+)([KMGT]?)$/.exec(text) ?? [];
  const value = Number(number) * (sizes[unit] as number);
  if (!(value > 0 && Number.isSafeInteger(value)))
    throw new UsageError(`must be a size such as 4096, 64K, 100M or 2G, not "${text}"`);
  return value;
}

/** Units of time in microseconds, smallest first. */
export const times = { µs: 1, us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 };
export type TimeUnit = keyof typeof times;

/** The syntax of TIME, for --help and man pages. */
export const timeSyntax =
  'TIME is a number with a unit (us, ms, s, m, h, d), such as 500ms, 30s or 1.5h. Without a unit it is in seconds.';

/** Parses `500ms`, `30s` or `1.5h` to whole microseconds. A bare number has the unit `alone`; without `alone` it is an error. */
export function microseconds(text: string, alone?: TimeUnit): number {
  const [, digits, unit = alone] = /^(\d{1,15}(?:\.\d{1,9})?)(us|µs|ms|s|m|h|d)?$/.exec(text) ?? [];
  const exact = unit === undefined ? Number.NaN : Number(digits) * times[unit as TimeUnit];
  const us = Math.round(exact); // 2.3 * 1e6 is 2299999.9999999995
  if (!(Number.isSafeInteger(us) && Math.abs(us - exact) < 1e-3))
    throw new UsageError(
      `must be a time${alone ? '' : ' with a unit,'} such as 500ms, 30s, 5m, 1h or 7d, not "${text}"`,
    );
  return us;
}

/**
 * Returns a parser for an option's length of time, within `from` and `to`. It gives the time in `unit`, rounded up. A bare
 * number has the unit `alone`.
 */
export function time(
  unit: TimeUnit,
  { from, to, alone = 's' }: { from: string; to?: string; alone?: TimeUnit },
): (text: string) => number {
  const least = microseconds(from);
  const most = to === undefined ? Number.POSITIVE_INFINITY : microseconds(to);
  return (text) => {
    const us = microseconds(text, alone);
    if (us < least || us > most)
      throw new UsageError(`must be a time ${to ? `from ${from} to ${to}` : `of at least ${from}`}, not "${text}"`);
    return Math.ceil(us / times[unit]);
  };
}

/** Parses an option's length of time to milliseconds. */
export const duration = time('ms', { from: '1ms' });
