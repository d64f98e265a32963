import { invalidValue } from '../messages/errors.js';

const sizes: Record<string, number> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 };

/** Parses an option's number of bytes: `4096`, `64K`, `64KiB`, `100m` (powers of 1024). */
export function bytes(text: string): number {
  const [, number, unit = ''] = /^(\d+)([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
  const value = Number(number) * (sizes[unit.toLowerCase()] as number);
  if (!(value > 0 && Number.isSafeInteger(value))) throw invalidValue(text, 'use a size such as 4096, 64K, 100M or 2G');
  return value;
}

/** Units of time in microseconds, smallest first. */
export const times = { µs: 1, us: 1, ms: 1e3, s: 1e6, m: 60e6, h: 3600e6, d: 86400e6 };
export type TimeUnit = keyof typeof times;

/** Parses `500ms`, `1.5h` or `1h30m` to whole microseconds. A bare number is in seconds. */
export function microseconds(text: string): number {
  const part = /(\d{1,15}(?:\.\d{1,9})?)(us|µs|ms|s|m|h|d)/g;
  const whole = /^\d+(?:\.\d+)?$/.test(text) ? `${text}s` : text;
  const parts = [...whole.matchAll(part)].map(([, digits, unit]) => Number(digits) * times[unit as TimeUnit]);
  const exact = whole !== '' && whole.replace(part, '') === '' ? parts.reduce((sum, one) => sum + one, 0) : Number.NaN;
  const us = Math.round(exact); // 2.3 * 1e6 is 2299999.9999999995
  if (!(Number.isSafeInteger(us) && Math.abs(us - exact) < 1e-3))
    throw invalidValue(text, 'use a time such as 500ms, 30s, 5m, 1h30m or 7d');
  return us;
}

/**
 * Returns a parser for an option's length of time, within `from` and `to`. It gives the time in `unit`, rounded up.
 */
export function time(unit: TimeUnit, { from, to }: { from: string; to?: string }): (text: string) => number {
  const least = microseconds(from);
  const most = to === undefined ? Number.POSITIVE_INFINITY : microseconds(to);
  return (text) => {
    const us = microseconds(text);
    if (us < least || us > most)
      throw invalidValue(text, `use a time ${to ? `from ${from} to ${to}` : `of at least ${from}`}`);
    return Math.ceil(us / times[unit]);
  };
}

/** Parses an option's length of time to milliseconds. */
export const duration = time('ms', { from: '1ms' });
