const minute = 60e6;
const hour = 60 * minute;
const day = 24 * hour;

/** Formats a duration in µs: `53 µs`, `1.2 ms`, `120 ms`, `7.14 s`, `12.3 s`, `4 m 10 s`, `3 h 5 m`, `2 d 4 h`. */
export function duration(us: number): string {
  if (us < 999.5) return `${Math.round(us)} µs`;
  if (us < 9_950) return `${(us / 1e3).toFixed(1)} ms`;
  if (us < 999_500) return `${Math.round(us / 1e3)} ms`;
  if (us < 9_995_000) return `${(us / 1e6).toFixed(2)} s`;
  if (us < 59.95e6) return `${(us / 1e6).toFixed(1)} s`;
  const seconds = Math.round(us / 1e6) * 1e6;
  if (seconds < hour) return two(seconds, minute, 'm', 1e6, 's');
  const minutes = Math.round(us / minute) * minute;
  if (minutes < day) return two(minutes, hour, 'h', minute, 'm');
  return two(Math.round(us / hour) * hour, day, 'd', hour, 'h');
}

function two(us: number, large: number, largeName: string, small: number, smallName: string): string {
  return `${Math.floor(us / large)} ${largeName} ${Math.floor((us % large) / small)} ${smallName}`;
}

/** Formats a count with separators: `1,234,567`. */
export function count(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** Formats as `1 attempt`, `1,234 attempts`. */
export const counted = (number: number, what: string) => `${count(number)} ${what}${number === 1 ? '' : 's'}`;

/** Formats a count in at most 5 characters: `812`, `1.2 k`, `45 k`, `3.1 M`. */
export function shortCount(number: number): string {
  return number < 1_000 ? String(Math.round(number)) : scaled(number);
}

/** Formats a rate, a number of events per second: `0.3`, `12`, `1.2 k`. */
export function rate(perSecond: number): string {
  return perSecond < 9.95 ? perSecond.toFixed(1) : shortCount(perSecond);
}

/** Formats a size: `812 B`, `12 kB`, `1.5 MB`. A kB has 1000 bytes. */
export function bytes(size: number): string {
  return size < 1_000 ? `${size} B` : `${scaled(size)}B`;
}

/** Formats a number of at least 1000 with a unit. */
function scaled(number: number): string {
  let [value, unit] = [number / 1_000, 0];
  const units = ['k', 'M', 'G', 'T', 'P', 'E'];
  for (; value >= 999.5 && unit < units.length - 1; unit++) value /= 1_000;
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
