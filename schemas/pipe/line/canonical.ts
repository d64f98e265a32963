import { stringifyExact } from './exact.js';

/** A value in the one spelling of canonical lines: no spaces, and nothing that a terminal obeys. */
export function canonical(value: unknown): string {
  return stringifyExact(value).replace(/[\x7f-\x9f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
