const longestAskedMs = 3_600_000;

/** Returns the delay that a Retry-After header asks for (ms), at most an hour; undefined if the header is not usable. */
export function retryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\s*\d+\s*$/.test(header) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), longestAskedMs);
}

/** Returns whether a status is temporary: the server is overloaded or currently failing. */
export function isTemporary(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}
