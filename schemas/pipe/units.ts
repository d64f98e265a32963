import { UsageError } from './errors.js';

const sizes: Record<string, number> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };
const times: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** An option's `parse` for a number of bytes: `4096`, `64K`, `100M`, `2G` (powers of 1024). */
export function bytes(text: string): number {
  return amount(text, /^(\d+)([KMGT]?)$/, sizes, 'a size such as 4096, 64K, 100M or 2G');
}

/** An option's `parse` for a length of time, in milliseconds: `500ms`, `30s`, `5m`, `1h`, `7d`. */
export function duration(text: string): number {
  return amount(text, /^(\d+)(ms|[smhd])$/, times, 'a time such as 500ms, 30s, 5m, 1h or 7d');
}

function amount(text: string, shape: RegExp, units: Record<string, number>, wanted: string): number {
  const [, number, unit] = shape.exec(text) ?? [];
  const value = Number(number) * (units[unit ?? ''] ?? Number.NaN);
  if (!(value > 0 && Number.isSafeInteger(value))) throw new UsageError(`wants ${wanted}, not "${text}"`);
  return value;
}
