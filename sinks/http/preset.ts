/** A batch as a receiver gets it. */
export interface Sent {
  /** Stays the same however often it is sent. */
  id: string;
  /** When the batch was begun, in ms since the epoch. */
  began: number;
  /** Each line's bytes, without newline. */
  lines: readonly Buffer[];
  /** The lines' places in the batch; not all, where some were taken before. */
  places: readonly number[];
}

/** A name for what is sent, by which the receiver may know it again. */
export function key({ id, lines, places }: Sent, all: number): string {
  return lines.length === all ? id : `${id}.${places[0]}.${lines.length}`;
}

/** What a receiver's 2xx answer says of single lines, by their index in what was sent. All others are taken. */
export interface Verdict {
  retry: number[];
  rejected: { at: number; reason: string }[];
  /** It took all but so many, and does not say which. */
  unnamed?: { count: number; reason: string };
}

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** How a kind of receiver wants its events. */
export interface Preset {
  /** The path, where the URL has none. */
  path: string;
  /** What is added to the URL's query, unless it is there; one that is empty there is left out. */
  query?(key: string): Record<string, string>;
  contentType: string;
  body(sent: Sent): Buffer;
  /** The scheme of a token in Authorization; Bearer, if left out. */
  scheme?: string;
  /** Which failed statuses are tried again; those of HTTP, if left out. */
  passing?(status: number): boolean;
  /** What a 2xx answer means; that all is well, if left out. Throws where it is no answer of such a receiver. */
  verdict?(answer: Answer, sent: Sent): Verdict;
  /** How many lines a failed request's answer says were refused, if the receiver stored the others; undefined if it did not. */
  ignored?(answer: Answer): number | undefined;
}

const newline = Buffer.from('\n');

/** Lines, each with its newline, and what `before` gives in front of each. */
export function joined(lines: readonly Buffer[], before?: (at: number) => string): Buffer {
  return Buffer.concat(
    lines.flatMap((line, at) => (before ? [Buffer.from(before(at)), line, newline] : [line, newline])),
  );
}

/** When an event was, as it says; ECS has another name for that. */
export function timeOf(event: Record<string, unknown>): unknown {
  return event.ts ?? event['@timestamp'];
}

/** An event's `ts` in nanoseconds since the epoch, as text; of one without, the batch's own time. */
export function nanoseconds(ts: unknown, began: number): string {
  const [, seconds, fraction = ''] = (typeof ts === 'string' && /^(.{19})(?:\.(\d{1,9}))?Z$/.exec(ts)) || [];
  const ms = seconds === undefined ? Number.NaN : Date.parse(`${seconds}Z`);
  if (Number.isNaN(ms)) return String(BigInt(began) * 1_000_000n);
  return String(BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0')));
}

/** The events of lines; they are valid. */
export function eventsOf(lines: readonly Buffer[]): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line.toString()));
}
