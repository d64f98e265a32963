import { UsageError } from '../pipe/errors.js';

/** Units of durations, as powers of ten of a second. */
export const units: Readonly<Record<string, number>> = { us: -6, µs: -6, ms: -3, s: 0 };

/** `100ms`, `2s`, `1.5s`: a duration in microseconds. An option's `parse`. */
export function microseconds(text: string): number {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(us|µs|ms|s)$/.exec(text.trim()) ?? [];
  if (digits === undefined) throw new UsageError(`wants a duration in us, ms or s, such as 100ms, not "${text}"`);
  return inUnit(digits, unit, -6);
}

/** Decimal digits of a unit, in another. Not by a product, which makes 2299.9999999999995 of 2.3 * 1000. */
export function inUnit(digits: string, unit: string, exponent: number): number {
  return Number(`${digits}e${(units[unit] as number) - exponent}`);
}
