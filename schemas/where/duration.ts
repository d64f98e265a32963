/** Units of durations in expressions, as powers of ten of a second. */
export const units: Readonly<Record<string, number>> = { us: -6, µs: -6, ms: -3, s: 0 };

/** Decimal digits of a unit, in another. Not by a product, which makes 2299.9999999999995 of 2.3 * 1000. */
export function inUnit(digits: string, unit: string, exponent: number): number {
  return Number(`${digits}e${(units[unit] as number) - exponent}`);
}
