import type { Closed, Connect, Dns, Lost, Outcome, Pending } from '../../dist/index.js';

type Counts = Record<string, number>;

/** Counts numbers that should arrive once each, from the first one on, in nearly any order. Its memory is that of the gaps. */
export class Seqs {
  /** How many came more than once. */
  repeated = 0;
  #first = -1;
  #next = -1;
  #last = -1;
  readonly #ahead = new Set<number>();

  constructor(first: number) {
    this.#first = this.#next = first;
  }

  add(seq: number): void {
    if (seq < this.#next || this.#ahead.has(seq)) this.repeated++;
    else this.#ahead.add(seq);
    while (this.#ahead.delete(this.#next)) this.#next++;
    this.#last = Math.max(this.#last, seq);
  }

  get count(): number {
    return this.#next - this.#first + this.#ahead.size;
  }

  get missing(): number {
    return this.#last + 1 - this.#first - this.count;
  }
}

const firstSeq = 1;

/** What arrived at one sink. */
export class Arrived {
  readonly seqs = new Seqs(firstSeq);
  /** All lines, also those without a seq. */
  lines = 0;

  take(line: string): void {
    this.lines++;
    const seq = /^{"type":"\w+","v":1,"seq":(\d+),/.exec(line)?.[1];
    if (seq) this.seqs.add(Number(seq));
  }
}

/** The ports whose number tells the name that was looked up just before (load.py). */
const isNamed = (port: number) => port >= 20_000 && port < 21_000;

/** What each connection to a port sends and receives (load.py). */
const payloads: Record<number, string> = { 8080: '10 10', 8081: '3 0', 8082: '3 0', 8083: '0 0', 8086: '0 0' };

/** Everything that the main file contains, counted like the load generator does it. */
export class Ledger extends Arrived {
  readonly counts: Counts = {};
  readonly lost: Counts = {};
  /** Events of an attempt that has none before, or that has ended. */
  stray = 0;
  /** Ends of connections that cannot have carried these bytes. */
  readonly odd: Closed[] = [];
  /** Attempts with the name of another look-up, and without one. */
  readonly names = { wrong: 0, missing: 0 };
  /** Attempts that have started but not ended, and connections that are open. */
  readonly started = new Set<string>();
  readonly open = new Set<string>();
  /** The last status of the collector. */
  status: Counts = {};

  override take(line: string): void {
    super.take(line);
    const event = JSON.parse(line);
    const handler = this.handlers[event.type as keyof Ledger['handlers']] as ((event: unknown) => void) | undefined;
    handler?.(event);
  }

  private readonly handlers = {
    connect: ({ id }: Connect) => {
      if (this.started.has(id) || this.open.has(id)) this.stray++;
      this.started.add(id);
    },
    pending: ({ id }: Pending) => {
      if (!this.started.has(id)) this.stray++;
    },
    outcome: (event: Outcome & { name?: string }) => {
      if (!this.started.delete(event.id)) this.stray++;
      const named = isNamed(event.dport);
      this.#add(`${named ? 20_000 : event.dport} ${event.result}`);
      if (event.result === 'established') this.open.add(event.id);
      if (named && !event.name) this.names.missing++;
      else if (named && Number(/^q(\d+)\./.exec(event.name ?? '')?.[1]) % 1000 !== event.dport % 1000)
        this.names.wrong++;
    },
    closed: (event: Closed) => {
      if (!this.open.delete(event.id)) this.stray++;
      this.#add(`${event.dport} ${event.closed_by}`);
      this.#add(`${event.dport} sent`, event.bytes_sent);
      this.#add(`${event.dport} received`, event.bytes_received);
      const payload = payloads[event.dport];
      if (payload && `${event.bytes_sent} ${event.bytes_received}` !== payload) this.odd.push(event);
    },
    dns: (event: Dns) => this.#add(event.addrs ? 'dns ok' : 'dns failed'),
    lost: ({ stage, where, count }: Lost) => {
      const key = `${stage}: ${where}`;
      this.lost[key] = (this.lost[key] ?? 0) + count;
    },
    status: (event: Counts & { stage: string; phase: string }) => {
      if (event.stage === 'collector' && event.phase === 'end') this.status = event;
    },
  };

  #add(key: string, number = 1): void {
    this.counts[key] = (this.counts[key] ?? 0) + number;
  }
}

const ends = ['local', 'remote', 'reset_sent', 'reset_received', 'timeout', 'killed'];
const kindOf = (key: string) => {
  const [port, how] = key.split(' ') as [string, string];
  if (port === 'dns') return 'dns';
  if (how === 'sent' || how === 'received') return 'bytes';
  return ends.includes(how) && !(how === 'timeout' && port === '7005') ? 'closed' : 'attempts';
};
export const sum = (counts: Counts, kind: string) =>
  Object.entries(counts).reduce((all, [key, number]) => all + (kindOf(key) === kind ? number : 0), 0);
/** How many attempts were not established. */
export const failures = (counts: Counts) =>
  Object.entries(counts).reduce(
    (all, [key, number]) => all + (kindOf(key) === 'attempts' && !key.endsWith(' established') ? number : 0),
    0,
  );

const places = {
  attempts: ['ring buffer', 'attempt table', 'busy program'],
  closed: ['close'],
  dns: ['dns ring buffer', 'dns answer'],
};
/** What the collector reported as lost, of attempts, ends of connections or look-ups. */
export const lostOf = (lost: Counts, kind: keyof typeof places) =>
  places[kind].reduce((all, where) => all + (lost[`collector: ${where}`] ?? 0), 0);

/** Returns what was made and neither written nor reported as lost, or written without having been made: one line each. */
export function differences(made: Counts, { counts, lost }: Pick<Ledger, 'counts' | 'lost'>): string[] {
  const wrong: string[] = [];
  for (const kind of ['attempts', 'closed', 'dns'] as const) {
    const [all, written, gone] = [sum(made, kind), sum(counts, kind), lostOf(lost, kind)];
    if (all !== written + gone) wrong.push(`${kind}: ${all} made, ${written} written, ${gone} lost`);
  }
  const complete = Object.keys(lost).length === 0;
  for (const key of new Set([...Object.keys(made), ...Object.keys(counts)])) {
    const [all, written] = [made[key] ?? 0, counts[key] ?? 0];
    if (written > all || (complete && written < all)) wrong.push(`${key}: ${all} made, ${written} written`);
  }
  return wrong;
}
