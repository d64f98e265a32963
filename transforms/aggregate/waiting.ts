import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { KeyBytes } from './bytes.js';

/** At most this many attempts are tracked; schemas/summary.schema.json says so too. */
const usualMost = 200_000;

const idField = new LineField('id');
const hostField = new LineField('host');

/** The attempts of one group, which they share. */
interface Group {
  key: string;
  attempts: number;
  /** How many of them wait; used while they are counted. */
  waiting: number;
}

interface Attempt {
  group: Group;
  /** `ts` of its first pending event, µs. */
  since: number;
  /** `ts` of its outcome, µs. */
  until: number;
}

/** Takes the number of waiting attempts of a group, of `other` without a key. The key is valid during the call. */
export type Take = (key: KeyBytes | undefined, waiting: number) => void;

/**
 * Attempts that wait: from their pending event to their outcome. They are identified by `id`, and by `host` if they have
 * one, since ids are unique on one host only. An attempt that has ended is kept until all windows have closed at whose end
 * it waited.
 */
export class Waiting {
  readonly #attempts = new Map<string, Attempt>();
  readonly #groups = new Map<string, Group>();
  readonly #key = new KeyBytes();
  /** How many tracked attempts have an id with these last digits: a quick test that few outcomes pass. */
  readonly #digits = new Uint32Array(1 << 16);

  constructor(
    /** The end of the first window after a time that has not been closed. */
    private readonly boundary: (after: number) => number,
    private readonly most = usualMost,
  ) {}

  get size(): number {
    return this.#attempts.size;
  }

  /** Notes a pending event. Returns false if there are too many. */
  start(line: Line, key: KeyBytes, ts: number): boolean {
    const id = idOf(line);
    const known = this.#attempts.get(id);
    if (known && ts <= known.until) {
      known.since = Math.min(known.since, ts);
      return true;
    }
    if (known) {
      // The same socket tries again, and its last attempt is still needed.
      this.#attempts.delete(id);
      this.#attempts.set(`${id}${known.until}`, known);
    }
    if (this.#attempts.size >= this.most) return false;
    this.#attempts.set(id, { group: this.#group(key), since: ts, until: Number.POSITIVE_INFINITY });
    (this.#digits[digitsOf(line)] as number)++;
    return true;
  }

  /** Notes an outcome. */
  end(line: Line, ts: number): void {
    if (this.#attempts.size === 0 || this.#digits[digitsOf(line)] === 0) return;
    const id = idOf(line);
    const attempt = this.#attempts.get(id);
    if (!attempt) return;
    attempt.until = Math.min(attempt.until, ts);
    if (this.#isOver(attempt)) this.#delete(id, attempt);
  }

  /** Takes over those that have not ended, as waiting since a time at the latest. */
  adopt(from: Waiting, latest: number): void {
    for (const [id, { group, since, until }] of from.#attempts) {
      if (until < Number.POSITIVE_INFINITY || this.#attempts.size >= this.most || this.#attempts.has(id)) continue;
      const own = this.#group(keyOf(this.#key, group.key));
      this.#attempts.set(id, { group: own, since: Math.min(since, latest), until });
      (this.#digits[digitsOfId(id)] as number)++;
    }
  }

  /** Whether an attempt waited at a moment. */
  any(at: number): boolean {
    for (const { since, until } of this.#attempts.values()) if (since < at && at <= until) return true;
    return false;
  }

  /** Counts the attempts of each group that waited at a moment, the end of the window that has just been closed. */
  count(at: number, take: Take): void {
    if (this.#attempts.size === 0) return;
    for (const [id, attempt] of this.#attempts) {
      if (attempt.since < at && at <= attempt.until) attempt.group.waiting++;
      if (this.#isOver(attempt)) this.#delete(id, attempt);
    }
    for (const group of this.#groups.values()) {
      if (group.waiting > 0) take(keyOf(this.#key, group.key), group.waiting);
      group.waiting = 0;
      if (group.attempts === 0) this.#groups.delete(group.key);
    }
  }

  /** No window will close at whose end it waited. */
  #isOver({ since, until }: Attempt): boolean {
    return until < this.boundary(since);
  }

  #delete(id: string, { group }: Attempt): void {
    this.#attempts.delete(id);
    (this.#digits[digitsOfId(id)] as number)--;
    if (--group.attempts === 0 && group.waiting === 0) this.#groups.delete(group.key);
  }

  #group(key: KeyBytes): Group {
    const text = textOf(key);
    let group = this.#groups.get(text);
    if (!group) {
      group = { key: text, attempts: 0, waiting: 0 };
      this.#groups.set(text, group);
    }
    group.attempts++;
    return group;
  }
}

/**
 * The gauges of summaries in one pane. A gauge holds at the end of its summary's window, so those of the newest window
 * count; windows that overlap it are of other hosts and are added up.
 */
export class Gauges {
  #start = Number.NEGATIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;
  readonly #groups = new Map<string, number>();
  #other = 0;
  readonly #key = new KeyBytes();

  /** Notes a summary from `start` to `end`, whether attempts wait or not. */
  add(key: KeyBytes | undefined, start: number, end: number, pending: number): void {
    if (end <= this.#start) return;
    if (start >= this.#end) {
      this.#groups.clear();
      this.#other = 0;
    }
    if (end > this.#end) [this.#start, this.#end] = [start, end];
    if (pending === 0) return;
    const text = key && textOf(key);
    const known = text === undefined ? undefined : this.#groups.get(text);
    if (text === undefined || (known === undefined && this.#groups.size >= usualMost)) this.#other += pending;
    else this.#groups.set(text, (known ?? 0) + pending);
  }

  /** Notes those of another pane. */
  merge(from: Gauges): void {
    if (from.#end === Number.NEGATIVE_INFINITY) return;
    this.add(undefined, from.#start, from.#end, 0);
    from.each((key, pending) => this.add(key, from.#start, from.#end, pending));
  }

  each(take: Take): void {
    if (this.#other > 0) take(undefined, this.#other);
    for (const [text, pending] of this.#groups) take(keyOf(this.#key, text), pending);
  }
}

/** Its id, and its host if it has one, as JSON. */
function idOf(line: Line): string {
  line.locate(idField);
  const id = line.raw.toString('latin1', line.from, line.to);
  return line.locate(hostField) ? id + line.raw.toString('latin1', line.from, line.to) : id;
}

const digitsOfId = (id: string) => digitsIn(Buffer.from(id, 'latin1'), 1, id.indexOf('"', 1));
const digitsOf = (line: Line) => (line.locate(idField) ? digitsIn(line.raw, line.from + 1, line.to - 1) : 0);

/** The last digits of bytes[start..end), 16 bits of them. */
function digitsIn(bytes: Uint8Array, start: number, end: number): number {
  let number = 0;
  for (let at = Math.max(end - 6, start); at < end; at++) number = number * 10 + (bytes[at] as number);
  return number & 0xffff;
}

const textOf = (key: KeyBytes) => key.buffer.toString('latin1', 0, key.length);

function keyOf(into: KeyBytes, text: string): KeyBytes {
  into.length = 0;
  into.need(text.length);
  into.length = into.buffer.write(text, 0, 'latin1');
  into.pad();
  return into;
}
