/** Formats a number with three significant digits, or as an integer if it is larger. Never uses an exponent. */
export function threeDigits(value: number): string {
  return value < 999.5 ? value.toPrecision(3) : String(Math.round(value));
}
