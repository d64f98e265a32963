/** The units of durations in expressions, each as a power of ten of a second. */
export const units: Readonly<Record<string, number>> = { us: -6, µs: -6, ms: -3, s: 0 };

/**
 * Converts a decimal number from a unit to 10^exponent seconds. Moves the decimal point instead of multiplying, because
 * 2.3 * 1000 is 2299.9999999999995.
 */
export function inUnit(digits: string, unit: string, exponent: number): number {
  return Number(`${digits}e${(units[unit] as number) - exponent}`);
}
