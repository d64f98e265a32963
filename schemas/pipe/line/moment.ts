const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/;

/** Returns the µs since 1970 for a time in the contract's format; NaN for anything else. */
export function micros(text: unknown): number {
  if (typeof text !== 'string' || !form.test(text)) return Number.NaN;
  return Date.parse(`${text.slice(0, 19)}Z`) * 1000 + Number(text.slice(20, 26));
}

/** The first and the last ms of the years 0 to 9999: a `ts` can represent no other. */
const first = -62_167_219_200_000;
const last = 253_402_300_799_999;

/** Returns a time in ms since 1970 as `2026-11-23T08:15:30.123Z`. Any year before 0 or after 9999 is shown as the nearest of these. */
export function isoText(ms: number): string {
  return new Date(Math.min(Math.max(ms, first), last)).toISOString();
}

/** Returns a time in µs since 1970 in the contract's format, without fractions of a µs. */
export function momentText(us: number): string {
  const ms = Math.floor(us / 1000);
  return `${isoText(ms).slice(0, -1)}${String(Math.floor(us - ms * 1000)).padStart(3, '0')}Z`;
}

/** The number of characters of a time up to its second. */
export const secondLength = '2026-11-23T08:15:30'.length;

/**
 * Remembers the second of a time in the contract's format. Most events come in order, so what was computed for the last second can
 * be used again.
 */
export class LastSecond {
  readonly #bytes = Buffer.alloc(secondLength);

  /** Returns whether the time at `raw[from]` is in the remembered second. */
  has(raw: Buffer, from: number): boolean {
    const bytes = this.#bytes;
    let same = 0;
    while (same < secondLength && raw[from + same] === bytes[same]) same++;
    return same === secondLength;
  }

  keep(raw: Buffer, from: number): void {
    raw.copy(this.#bytes, 0, from);
  }
}
