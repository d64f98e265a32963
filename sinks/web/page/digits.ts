/** Three digits that count, above that all there are; no exponent: people read it. */
export function threeDigits(value: number): string {
  return value < 999.5 ? value.toPrecision(3) : String(Math.round(value));
}
