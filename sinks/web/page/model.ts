/** What one attempt's lines say, as the page shows it. */
export interface Attempt {
  /** Its identity. */
  readonly key: string;
  /** When the call was made, in ms since 1970. */
  readonly at: number;
  /** When it ended; if that is unknown, `ts` of its last event. */
  until: number;
  /** What the last of its events was. */
  type: 'connect' | 'pending' | 'outcome';
  /** The name of the process, and the field that has it; no field if it belongs to none. */
  readonly process: string;
  readonly processField: 'pcomm' | 'comm' | undefined;
  readonly pid: number | undefined;
  /** The name of the destination, or its address. */
  readonly to: string;
  /** The name is one of several that it may be. */
  readonly ambiguous: boolean;
  readonly toField: 'name' | 'daddr';
  readonly port: number;
  /** How it ended; the call's error, or nothing, where only that is known. */
  result: string;
  failed: boolean;
  ms: number | undefined;
  /** Its connect, and its outcome or else its newest pending event, as they came. */
  readonly lines: string[];
  /** Its place in the order of those that do not wait. */
  place: number;
}

interface Event {
  type: Attempt['type'];
  ts: string;
  start?: string;
  id: string;
  host?: string;
  pid?: number;
  comm?: string;
  pcomm?: string;
  name?: string;
  name_ambiguous?: true;
  daddr: string;
  dport: number;
  result?: string;
  error?: string;
  latency_us?: number;
}

type Ending = Pick<Attempt, 'until' | 'type' | 'result' | 'failed' | 'ms'>;

function ending({ type, ts, result = '', error = '', latency_us }: Event): Ending {
  const until = Date.parse(ts);
  if (type === 'connect') return { until, type, result: error, failed: error !== '', ms: undefined };
  const told = result === 'error' ? error : result;
  const ms = latency_us === undefined ? undefined : latency_us / 1000;
  return { until, type, result: told, failed: type === 'outcome' && result !== 'established', ms };
}

/** As in sinks/web.ts. */
const keyOf = ({ id, host = '' }: Event) => `${id} ${host}`;

function attempt(event: Event, line: string): Attempt {
  const { ts, start = ts, pid, comm, pcomm = comm, name, daddr, dport, latency_us = 0 } = event;
  return {
    key: keyOf(event),
    at: start === ts ? Date.parse(ts) - latency_us / 1000 : Date.parse(start),
    process: pcomm ?? 'no process',
    processField: pcomm === undefined ? undefined : event.pcomm === undefined ? 'comm' : 'pcomm',
    pid,
    to: name ?? daddr,
    ambiguous: event.name_ambiguous === true,
    toField: name === undefined ? 'daddr' : 'name',
    port: dport,
    lines: [line],
    place: -1,
    ...ending(event),
  };
}

/**
 * The attempts of the last lines, in the order they came; the events of one attempt are one. Those that wait stay longer
 * than others, as long as they are no more than half.
 */
export class Model {
  #attempts: (Attempt | undefined)[] = []; // those that do not wait; some have begun to
  #base = 0; // the place of the first of the array
  #first = 0; // those before it are forgotten
  #lines = 0;
  readonly #waiting = new Set<Attempt>();
  readonly #byKey = new Map<string, Attempt>();
  /** As many lines are kept. */
  keep = 20_000;
  /** When the newest event was. */
  newest = 0;

  add(line: string): void {
    const event = JSON.parse(line) as Event;
    const known = event.type === 'connect' ? undefined : this.#byKey.get(keyOf(event));
    const ended = known?.type === 'outcome'; // then the same socket may have tried again
    const ts = Date.parse(event.ts);
    if (ended && (event.type === 'pending' ? ts <= known.until : ts === known.until)) return; // late, or twice
    if (known && !ended) this.#update(known, event, line);
    else {
      const made = attempt(event, line);
      this.#byKey.set(made.key, made);
      this.#lines++;
      this.#put(made);
    }
    this.newest = Math.max(this.newest, ts);
    while (this.#lines > this.keep) this.#forget();
  }

  clear(): void {
    this.#attempts = [];
    this.#base = this.#first = this.#lines = this.newest = 0;
    this.#waiting.clear();
    this.#byKey.clear();
  }

  /** Attempts have ended, in a way that is not shown. */
  end(keys: readonly string[]): void {
    for (const key of keys) {
      const one = this.#byKey.get(key);
      if (one && this.#waiting.delete(one)) this.#drop(one);
    }
  }

  /** Only these wait still. */
  retain(keys: ReadonlySet<string>): void {
    this.end([...this.#waiting].map(({ key }) => key).filter((key) => !keys.has(key)));
  }

  /** The attempts that hold: those that do not wait, oldest first, then those that wait. */
  select(holds: (attempt: Attempt) => boolean): Attempt[] {
    const chosen: Attempt[] = [];
    for (let i = this.#first; i < this.#attempts.length; i++) {
      const one = this.#attempts[i];
      if (one && holds(one)) chosen.push(one);
    }
    for (const one of this.#waiting) if (holds(one)) chosen.push(one);
    return chosen;
  }

  /** Takes another event of an attempt. */
  #update(known: Attempt, event: Event, line: string): void {
    const moves = (known.type === 'pending') !== (event.type === 'pending');
    if (known.type === 'connect') this.#lines++;
    else known.lines.pop();
    known.lines.push(line);
    if (moves) this.#take(known);
    Object.assign(known, ending(event));
    if (moves) this.#put(known);
  }

  #put(one: Attempt): void {
    if (one.type === 'pending') this.#waiting.add(one);
    else {
      one.place = this.#base + this.#attempts.length;
      this.#attempts.push(one);
    }
  }

  #take(one: Attempt): void {
    if (!this.#waiting.delete(one)) this.#attempts[one.place - this.#base] = undefined;
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
