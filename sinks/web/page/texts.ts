/** How times, durations and long names are written. Times are local. */

const two = (value: number) => String(value).padStart(2, '0');

/** Returns `2026-11-23`. */
export function date(at: number): string {
  const time = new Date(at);
  return `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
}

/** Returns `08:15:30`, or `08:15:30.123` with milliseconds. */
export function clock(at: number, milliseconds = false): string {
  const time = new Date(at);
  const seconds = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  return milliseconds ? `${seconds}.${String(time.getMilliseconds()).padStart(3, '0')}` : seconds;
}

/** Returns the offset of local time: `UTC+01:00`. */
export function zone(at: number): string {
  const minutes = -new Date(at).getTimezoneOffset();
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '−' : '+'}${two(hours)}:${two(rest)}`;
}

/** Formats a duration (ms) with the given number of significant digits: `51 µs`, `7.14 s`. From a minute on: `4 m 10 s`. */
export function duration(ms: number, digits = 3): string {
  if (ms >= 59_950) return minutes(Math.round(ms / 1000));
  const rounded = Number(ms.toPrecision(digits));
  if (rounded < 1) return `${Math.round(rounded * 1000)} µs`;
  return rounded < 1000 ? `${significant(rounded, digits)} ms` : `${significant(rounded / 1000, digits)} s`;
}

function minutes(seconds: number): string {
  const [hours, rest] = [Math.floor(seconds / 3600), seconds % 3600];
  return hours > 0 ? `${hours} h ${Math.floor(rest / 60)} m` : `${Math.floor(rest / 60)} m ${rest % 60} s`;
}

/** Formats a number of at least 1 without an exponent. */
function significant(value: number, digits: number): string {
  return value.toFixed(Math.max(0, digits - String(Math.floor(value)).length));
}

/** Shortens a text in its middle to at most this number of characters. */
export function shorten(text: string, most: number): string {
  const all = [...text];
  if (all.length <= most) return text;
  const start = Math.max(1, Math.floor((most - 1) / 2));
  return `${all.slice(0, start).join('')}…${all.slice(all.length - Math.max(0, most - 1 - start)).join('')}`;
}
