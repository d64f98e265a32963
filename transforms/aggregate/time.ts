import { microseconds, time, times } from '../../schemas/pipe/command/units.js';
import { momentText } from '../../schemas/pipe/line/moment.js';

// Times are numbers of µs since 1970, which are exact from 1685 to 2255.

/** Parse the value of an option as a length of time in µs. An `interval` must be above 0. */
export const duration = microseconds;
export const interval = time('us', { from: '1us' });

/** Returns a duration as text for `duration` to parse. */
export function durationText(us: number): string {
  const [unit, size] = Object.entries(times).findLast(([, size]) => us % size === 0) as [string, number];
  return `${us / size}${unit}`;
}

const two = (b: Uint8Array, at: number) => (b[at] as number) * 10 + (b[at + 1] as number) - 528;

/** Parses the bytes of a valid `ts`: `2026-11-23T08:15:30.123456Z`. Returns µs since 1970. */
export function parseTime(b: Uint8Array, at: number): number {
  // Counts the days since 1970 (proleptic Gregorian calendar). A year begins in March here, so that a leap day is its last day.
  const month = two(b, at + 5);
  const year = two(b, at) * 100 + two(b, at + 2) - (month <= 2 ? 1 : 0);
  const dayOfYear = (((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) | 0) + two(b, at + 8) - 1;
  const days = year * 365 + Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400) + dayOfYear - 719468;
  const seconds = two(b, at + 11) * 3600 + two(b, at + 14) * 60 + two(b, at + 17);
  const us = two(b, at + 20) * 10_000 + two(b, at + 22) * 100 + two(b, at + 24);
  return (days * 86400 + seconds) * 1e6 + us;
}

const earliest = -62167219200e6; // `ts` can only represent the years 0 to 9999
const latest = 253402300799999e3;

/** Returns a time as RFC 3339 with µs. */
export function timeText(us: number): string {
  return momentText(Math.min(Math.max(us, earliest), latest));
}
