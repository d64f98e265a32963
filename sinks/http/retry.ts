const longestAskedMs = 3_600_000;

/** What a Retry-After header asks for, in ms from `now`, an hour at most; undefined where it says nothing usable. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestAskedMs);
}

/** Whether a status may pass by itself: the server is overloaded, or broken for now. */
export function passing(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}
