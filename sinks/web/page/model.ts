import type { Outcome } from '../../../schemas/generated/events.js';

/** An attempt as the page shows it, combined from the lines of its events. A failed look-up of a name is shown like one. */
export interface Attempt {
  /** Identifies the attempt: its id and host. */
  readonly key: string;
  /** When the call was made (ms since the epoch). */
  readonly at: number;
  /** When it ended (ms since the epoch), or `ts` of its last event if that is unknown. */
  until: number;
  /** The type of its last event. */
  type: 'connect' | 'pending' | 'outcome' | 'dns';
  /** The name of the process, and the field it comes from; undefined if the attempt belongs to no process. */
  readonly process: string;
  readonly processField: 'pcomm' | 'comm' | undefined;
  readonly pid: number | undefined;
  /** The destination's name, or its address if no name is known. */
  readonly to: string;
  /** Whether the name is a guess: the address has several names. */
  readonly ambiguous: boolean;
  readonly toField: 'name' | 'daddr';
  /** The destination's port, or `DNS` for a look-up. */
  readonly port: string;
  /** The destination and its port: `192.0.2.7:443`, `[2001:db8::5]:443`, `www.example.com (DNS)`. */
  readonly endpoint: string;
  /** How it ended. If only the call is known, its error or an empty text. */
  result: string;
  failed: boolean;
  ms: number | undefined;
  /** Its connect line, if any, its outcome or newest pending line, and the newest line about its connection, unchanged. */
  readonly lines: string[];
  /** Whether the last of its lines is about its connection. */
  hasFigures: boolean;
  /** Its position among the attempts that are not pending. */
  position: number;
}

/** A line. */
type Event = { type: Attempt['type'] } & Pick<Outcome, 'ts' | 'id'> &
  Partial<Pick<Outcome, 'start' | 'host' | 'pid' | 'comm' | 'pcomm' | 'name' | 'name_ambiguous' | 'daddr' | 'dport'>> &
  Partial<Pick<Outcome, 'result' | 'error' | 'latency_us'>>;

/** Whether an event is about the connection that an attempt made. */
const isOfConnection = ({ type }: { type: string }) => type === 'closed' || type === 'open';

type Result = Pick<Attempt, 'until' | 'type' | 'result' | 'failed' | 'ms'>;

function resultOf({ type, ts, result, error = '', latency_us }: Event): Result {
  const until = Date.parse(ts);
  const ms = latency_us === undefined ? undefined : latency_us / 1000;
  if (type === 'connect' || type === 'dns') return { until, type, result: error, failed: error !== '', ms };
  const text = result === 'error' ? error : (result ?? '');
  return { until, type, result: text, failed: type === 'outcome' && result !== 'established', ms };
}

/** Must match keyOf in sinks/web.ts. */
const keyOf = ({ id, host = '' }: Event) => `${id} ${host}`;

function attempt(event: Event, line: string): Attempt {
  const { ts, start = ts, pid, comm, pcomm = comm, name, daddr = '', dport, latency_us = 0 } = event;
  const to = name ?? daddr;
  const port = dport === undefined ? 'DNS' : String(dport);
  return {
    key: keyOf(event),
    at: start === ts ? Date.parse(ts) - latency_us / 1000 : Date.parse(start),
    process: pcomm ?? 'no process',
    processField: pcomm === undefined ? undefined : event.pcomm === undefined ? 'comm' : 'pcomm',
    pid,
    to,
    ambiguous: event.name_ambiguous === true,
    toField: name === undefined ? 'daddr' : 'name',
    port,
    endpoint: dport === undefined ? `${to} (DNS)` : `${to.includes(':') ? `[${to}]` : to}:${port}`,
    lines: [line],
    hasFigures: false,
    position: -1,
    ...resultOf(event),
  };
}

/**
 * The attempts of the latest lines, in the order of arrival. The events of one attempt are merged. Pending attempts are kept
 * longer than others, as long as they are at most half of all.
 */
export class Model {
  #attempts: (Attempt | undefined)[] = []; // not pending; undefined if the attempt has become pending
  #base = 0; // the position of the first element of the array
  #first = 0; // elements before this index are forgotten
  #lines = 0;
  readonly #waiting = new Set<Attempt>();
  readonly #byKey = new Map<string, Attempt>();
  /** How many lines to keep. */
  keep = 20_000;
  /** The time of the newest event (ms since the epoch). */
  newest = 0;

  add(line: string): void {
    const event = JSON.parse(line) as Event;
    if (isOfConnection(event)) {
      this.#connection(event, line);
      return;
    }
    const known = event.type === 'connect' || event.type === 'dns' ? undefined : this.#byKey.get(keyOf(event));
    const ended = known?.type === 'outcome'; // a new event is then a new attempt of the same socket
    const ts = Date.parse(event.ts);
    if (ended && (event.type === 'pending' ? ts <= known.until : ts === known.until)) return; // late or duplicate
    if (known && !ended) this.#update(known, event, line);
    else {
      const made = attempt(event, line);
      if (event.type !== 'dns') this.#byKey.set(made.key, made);
      this.#lines++;
      this.#put(made);
    }
    this.newest = Math.max(this.newest, ts);
    while (this.#lines > this.keep) this.#forget();
  }

  /** Adds the newest figures of a connection to its attempt, if that is kept. */
  #connection(event: Event, line: string): void {
    const known = this.#byKey.get(keyOf(event));
    if (known?.type !== 'outcome') return;
    if (known.hasFigures) known.lines.pop();
    else this.#lines++;
    known.hasFigures = true;
    known.lines.push(line);
    while (this.#lines > this.keep) this.#forget();
  }

  /** Removes pending attempts that have ended, but whose outcome the filter hides. */
  end(keys: readonly string[]): void {
    for (const key of keys) {
      const one = this.#byKey.get(key);
      if (one && this.#waiting.delete(one)) this.#drop(one);
    }
  }

  /** Removes all pending attempts except these. */
  retain(keys: ReadonlySet<string>): void {
    this.end([...this.#waiting].map(({ key }) => key).filter((key) => !keys.has(key)));
  }

  /** Returns the attempts that match: first those that are not pending, oldest first, then the pending ones. */
  select(matches: (attempt: Attempt) => boolean): Attempt[] {
    const chosen: Attempt[] = [];
    for (let i = this.#first; i < this.#attempts.length; i++) {
      const one = this.#attempts[i];
      if (one && matches(one)) chosen.push(one);
    }
    for (const one of this.#waiting) if (matches(one)) chosen.push(one);
    return chosen;
  }

  /** Merges another event into its attempt. */
  #update(known: Attempt, event: Event, line: string): void {
    const moves = (known.type === 'pending') !== (event.type === 'pending');
    if (known.type === 'connect') this.#lines++;
    else known.lines.pop();
    known.lines.push(line);
    if (moves) this.#remove(known);
    Object.assign(known, resultOf(event));
    if (moves) this.#put(known);
  }

  #put(one: Attempt): void {
    if (one.type === 'pending') this.#waiting.add(one);
    else {
      one.position = this.#base + this.#attempts.length;
      this.#attempts.push(one);
    }
  }

  #remove(one: Attempt): void {
    if (!this.#waiting.delete(one)) this.#attempts[one.position - this.#base] = undefined;
  }

  #drop(one: Attempt): void {
    this.#lines -= one.lines.length;
    if (this.#byKey.get(one.key) === one) this.#byKey.delete(one.key);
  }

  #forget(): void {
    while (this.#first < this.#attempts.length && !this.#attempts[this.#first]) this.#first++;
    const [oldest] = this.#waiting;
    if (oldest && (this.#waiting.size > this.keep / 2 || this.#first === this.#attempts.length)) {
      this.#waiting.delete(oldest);
      this.#drop(oldest);
      return;
    }
    this.#drop(this.#attempts[this.#first++] as Attempt);
    if (this.#first < 4096 || this.#first < this.#attempts.length / 2) return;
    this.#attempts = this.#attempts.slice(this.#first);
    this.#base += this.#first;
    this.#first = 0;
  }
}
