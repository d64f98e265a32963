import { stringifyExact } from './exact.js';

/** Returns a value as canonical JSON: no spaces, and all control characters escaped, for the sake of terminals. */
export function canonical(value: unknown): string {
  return stringifyExact(value).replace(/[\x7f-\x9f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
