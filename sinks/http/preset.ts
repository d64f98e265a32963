import { Body } from './body.js';

/** The lines of one request: a whole batch, or the part of it that must be sent again. */
export interface RequestLines {
  /** The batch's id, the same at every try. */
  id: string;
  /** When the batch was started (ms since the epoch). */
  began: number;
  /** The lines without their newlines. */
  lines: readonly Buffer[];
  /** The position of each line in the whole batch. */
  positions: readonly number[];
}

/** Returns the request's idempotency key, which lets the receiver recognise a repeated request. */
export function key({ id, lines, positions }: RequestLines, all: number): string {
  return lines.length === all ? id : `${id}.${positions[0]}.${lines.length}`;
}

/** The result of a 2xx response for single lines, by their index in the request. All other lines are accepted. */
export interface LineResults {
  retry: number[];
  rejected: { at: number; reason: string }[];
  /** Set if the receiver rejected `count` lines without saying which. */
  unidentified?: { count: number; reason: string };
}

export interface HttpResponse {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** The format and API of one kind of receiver. */
export interface Preset {
  /** The default path, for a URL without a path. */
  path: string;
  /** Query parameters to add. A parameter that is in the URL stays as it is; one that is empty there is left out. */
  query?(key: string): Record<string, string>;
  contentType: string;
  body(sent: RequestLines): Buffer;
  /** The Authorization scheme for a token (default Bearer). */
  scheme?: string;
  /** Whether to retry after this status (default: see retry.ts). */
  isTemporary?(status: number): boolean;
  /** Reads a 2xx response. Without a result, all lines are accepted. Throws if the response reports an error or is not understood. */
  results?(response: HttpResponse, sent: RequestLines): LineResults | undefined;
  /**
   * Reads the response to a failed request. If it says that some lines were stored and the others rejected, returns how many
   * were rejected; otherwise undefined.
   */
  partlyRejected?(response: HttpResponse): number | undefined;
}

/** Joins lines, each followed by a newline and preceded by the text that `before` returns. */
export function joined(lines: readonly Buffer[], before?: (at: number) => string): Buffer {
  const body = new Body();
  for (const [at, line] of lines.entries()) {
    if (before) body.text(before(at));
    body.bytes(line);
    body.text('\n');
  }
  return body.all;
}

/** Converts an event's `ts` to nanoseconds since the epoch, as text. Without a valid `ts`, uses the time `began` (ms). */
export function nanoseconds(ts: unknown, began: number): string {
  const [, seconds, fraction = ''] = (typeof ts === 'string' && /^(.{19})(?:\.(\d{1,9}))?Z$/.exec(ts)) || [];
  const ms = seconds === undefined ? Number.NaN : Date.parse(`${seconds}Z`);
  if (Number.isNaN(ms)) return String(BigInt(began) * 1_000_000n);
  return String(BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0')));
}
