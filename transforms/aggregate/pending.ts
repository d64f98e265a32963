import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { KeyBytes } from './bytes.js';

/** At most this many attempts are tracked. schemas/summary.schema.json mentions this number. */
const maxTracked = 200_000;

const idField = new LineField('id');
const hostField = new LineField('host');

/** A group with pending attempts. */
interface Group {
  key: string;
  attempts: number;
  /** How many of them are pending; only used in `count`. */
  pending: number;
}

interface Attempt {
  group: Group;
  /** `ts` of its first pending event, µs. */
  since: number;
  /** `ts` of its outcome, µs. */
  until: number;
}

/** Receives the number of pending attempts of a group, or of `other` if there is no key. The key is valid during the call. */
export type Receiver = (key: KeyBytes | undefined, pending: number) => void;

/**
 * Tracks pending attempts from their pending event to their outcome. Attempts are identified by `id`, and by `host` if they
 * have one, because ids are only unique on one host. An attempt that has ended is kept until all windows have been closed
 * at whose end it was pending.
 */
export class PendingAttempts {
  readonly #attempts = new Map<string, Attempt>();
  readonly #groups = new Map<string, Group>();
  readonly #key = new KeyBytes();
  /** The number of tracked attempts by the last digits of their id: a quick test that rejects most outcomes. */
  readonly #digits = new Uint32Array(1 << 16);

  constructor(
    /** Returns the end of the first window that ends after a time and has not been closed. */
    private readonly boundary: (after: number) => number,
    private readonly most = maxTracked,
  ) {}

  get size(): number {
    return this.#attempts.size;
  }

  /** Records a pending event. Returns false if there are too many attempts. */
  start(line: Line, key: KeyBytes, ts: number): boolean {
    const id = idOf(line);
    const known = this.#attempts.get(id);
    if (known && ts <= known.until) {
      known.since = Math.min(known.since, ts);
      return true;
    }
    if (known) {
      // The same socket connects again, and its last attempt is still needed.
      this.#attempts.delete(id);
      this.#attempts.set(`${id}${known.until}`, known);
    }
    if (this.#attempts.size >= this.most) return false;
    this.#attempts.set(id, { group: this.#group(key), since: ts, until: Number.POSITIVE_INFINITY });
    (this.#digits[digitsOf(line)] as number)++;
    return true;
  }

  /** Records an outcome. */
  end(line: Line, ts: number): void {
    if (this.#attempts.size === 0 || this.#digits[digitsOf(line)] === 0) return;
    const id = idOf(line);
    const attempt = this.#attempts.get(id);
    if (!attempt) return;
    attempt.until = Math.min(attempt.until, ts);
    if (this.#isOver(attempt)) this.#delete(id, attempt);
  }

  /** Takes over the attempts that have not ended, as pending since `latest` or earlier. */
  adopt(from: PendingAttempts, latest: number): void {
    for (const [id, { group, since, until }] of from.#attempts) {
      if (until < Number.POSITIVE_INFINITY || this.#attempts.size >= this.most || this.#attempts.has(id)) continue;
      const own = this.#group(keyOf(this.#key, group.key));
      this.#attempts.set(id, { group: own, since: Math.min(since, latest), until });
      (this.#digits[digitsOfId(id)] as number)++;
    }
  }

  /** Returns whether any attempt was pending at a time. */
  any(at: number): boolean {
    for (const { since, until } of this.#attempts.values()) if (since < at && at <= until) return true;
    return false;
  }

  /** Counts the attempts of each group that were pending at a time: the end of the window that has just been closed. */
  count(at: number, receive: Receiver): void {
    if (this.#attempts.size === 0) return;
    for (const [id, attempt] of this.#attempts) {
      if (attempt.since < at && at <= attempt.until) attempt.group.pending++;
      if (this.#isOver(attempt)) this.#delete(id, attempt);
    }
    for (const group of this.#groups.values()) {
      if (group.pending > 0) receive(keyOf(this.#key, group.key), group.pending);
      group.pending = 0;
      if (group.attempts === 0) this.#groups.delete(group.key);
    }
  }

  /** Returns whether an attempt is no longer needed: all windows are closed at whose end it was pending. */
  #isOver({ since, until }: Attempt): boolean {
    return until < this.boundary(since);
  }

  #delete(id: string, { group }: Attempt): void {
    this.#attempts.delete(id);
    (this.#digits[digitsOfId(id)] as number)--;
    if (--group.attempts === 0 && group.pending === 0) this.#groups.delete(group.key);
  }

  #group(key: KeyBytes): Group {
    const text = textOf(key);
    let group = this.#groups.get(text);
    if (!group) {
      group = { key: text, attempts: 0, pending: 0 };
      this.#groups.set(text, group);
    }
    group.attempts++;
    return group;
  }
}

/**
 * The `pending` numbers of the summaries in one pane. Such a number is a gauge: it is valid at the end of its summary's
 * window. So only those of the newest window count. Windows that overlap it are from other hosts and are added up.
 */
export class Gauges {
  #start = Number.NEGATIVE_INFINITY;
  #end = Number.NEGATIVE_INFINITY;
  readonly #groups = new Map<string, number>();
  #other = 0;
  readonly #key = new KeyBytes();

  /** Records a summary from `start` to `end`, even if it has no pending attempts. */
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
    if (text === undefined || (known === undefined && this.#groups.size >= maxTracked)) this.#other += pending;
    else this.#groups.set(text, (known ?? 0) + pending);
  }

  /** Adds the gauges of another pane. */
  merge(from: Gauges): void {
    if (from.#end === Number.NEGATIVE_INFINITY) return;
    this.add(undefined, from.#start, from.#end, 0);
    from.each((key, pending) => this.add(key, from.#start, from.#end, pending));
  }

  each(receive: Receiver): void {
    if (this.#other > 0) receive(undefined, this.#other);
    for (const [text, pending] of this.#groups) receive(keyOf(this.#key, text), pending);
  }
}

/** Returns the id of a line's attempt, followed by its host if it has one, as JSON. */
function idOf(line: Line): string {
  line.locate(idField);
  const id = line.raw.toString('latin1', line.from, line.to);
  return line.locate(hostField) ? id + line.raw.toString('latin1', line.from, line.to) : id;
}

const digitsOfId = (id: string) => digitsIn(Buffer.from(id, 'latin1'), 1, id.indexOf('"', 1));
const digitsOf = (line: Line) => (line.locate(idField) ? digitsIn(line.raw, line.from + 1, line.to - 1) : 0);

/** Returns the last digits of bytes[start..end) as a number of 16 bits. */
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
