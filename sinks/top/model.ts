import type { Closed, Connect, Dns, Lost, Open, Outcome, Pending } from '../../schemas/generated/events.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { dropCause } from '../../schemas/pipe/terminal/dropped.js';
import { endpoint } from '../../schemas/pipe/terminal/endpoint.js';
import { rejectionText } from '../../schemas/pipe/terminal/rejection.js';
import { Sketch } from '../../schemas/sketch.js';
import { Bounded } from '../terminal/bounded.js';
import { Kept } from './kept.js';
import { Rate } from './rate.js';

/** What all rows have: a key, and the newest event that they stand for. */
interface Row {
  key: string;
  event: Kept;
}

/** An attempt that has not ended. Times are in µs. */
export interface Waiting extends Row {
  start: number;
  waited: number;
  resent: number;
  who: string;
  pid: number | undefined;
  to: string;
}

/** Failed attempts to one destination for one reason. */
export interface Failure extends Row {
  to: string;
  cause: string;
  count: number;
  last: number;
  by: Set<string>;
}

/** The attempts of the processes of one name to one destination. */
export interface Talk extends Row {
  who: string;
  to: string;
  started: number;
  ended: number;
  failed: number;
  latency: Sketch;
  rate: Rate;
  last: number;
  /** Bytes, as far as closed and open events report them. */
  sent: number;
  received: number;
}

/** Failed look-ups of one name for one reason. */
export interface FailedLookup extends Row {
  name: string;
  error: string;
  count: number;
  last: number;
  by: Set<string>;
  server: string;
}

const most = { waiting: 20_000, failures: 250, talks: 400, lookups: 250, by: 8, text: 300 };
/** A pending event comes after this time, so an attempt that ends later has had one (µs). */
const pendingAfter = 1e6;

/**
 * What the events add up to. Its memory is bounded: of the groups, those with few and old attempts are dropped, and counted
 * in `other`.
 */
export class Model {
  readonly waiting = new Map<string, Waiting>();
  readonly failures = new Bounded<Failure>(most.failures, worth, (one) => {
    this.other.failures += one.count;
  });
  readonly talks = new Bounded<Talk>(
    most.talks,
    (talk) => worth({ count: countOf(talk), last: talk.last }),
    (talk) => {
      this.other.talks++;
      this.other.attempts += countOf(talk);
      this.other.failed += talk.failed;
    },
  );
  readonly lookups = new Bounded<FailedLookup>(most.lookups, worth, (one) => {
    this.other.lookups += one.count;
  });
  /** What the dropped rows have counted. */
  readonly other = { failures: 0, talks: 0, attempts: 0, failed: 0, lookups: 0, waiting: 0 };
  readonly rate = new Rate();
  started = 0;
  ended = 0;
  failed = 0;
  lookedUp = 0;
  failedLookups = 0;
  lost = 0;
  invalid = 0;
  /** How many closed and open events there were. */
  connections = 0;
  /** The time of the earliest event; 0 before it. */
  first = 0;

  /** Takes an event. Returns its time in µs, or 0 if it is not shown here. */
  take(line: Line): number {
    switch (line.type) {
      case 'outcome':
        return this.#outcome(line.event as Outcome, line);
      case 'pending':
        return this.#pending(line.event as Pending, line);
      case 'connect':
        return this.#connect(line.event as Connect, line);
      case 'closed':
      case 'open':
        return this.#connection(line.event as Closed | Open, line);
      case 'dns':
        return this.#dns(line.event as Dns, line);
      case 'lost': {
        const { where, count } = line.event as Lost;
        if (where !== 'update') this.lost += count;
        return 0;
      }
      default:
        return 0;
    }
  }

  /** How many attempts wait. */
  get open(): number {
    return this.waiting.size + this.other.waiting;
  }

  get attempts(): number {
    return Math.max(this.started, this.ended + this.open);
  }

  /** Returns a copy that does not change any more. */
  copy(): Model {
    const { waiting, failures, talks, lookups, other, rate, ...numbers } = this;
    const copy = Object.assign(new Model(), numbers);
    Object.assign(copy.other, other);
    Object.assign(copy.rate, rate);
    const kept = <R extends Row>(row: R): R => ({ ...row, event: row.event.copy() });
    for (const [key, row] of waiting) copy.waiting.set(key, kept(row));
    for (const [key, row] of failures) copy.failures.set(key, { ...kept(row), by: new Set(row.by) });
    for (const [key, row] of lookups) copy.lookups.set(key, { ...kept(row), by: new Set(row.by) });
    for (const [key, row] of talks)
      copy.talks.set(key, { ...kept(row), latency: row.latency.copy(), rate: row.rate.copy() });
    return copy;
  }

  #outcome(event: Outcome, line: Line): number {
    const now = this.#at(event.ts);
    const times = event.repeat ?? 1;
    const known = this.waiting.delete(event.id);
    if (!known && this.other.waiting > 0 && event.latency_us > pendingAfter) this.other.waiting--;
    const talk = this.#talk(event, line, now);
    talk.ended += times;
    this.ended += times;
    if (this.started === 0) this.#tick(talk, now, times);
    if (event.result === 'established') talk.latency.add(event.latency_us, times);
    else this.#fail(talk, causeOf(event), times, now, line);
    return now;
  }

  #connect(event: Connect, line: Line): number {
    const now = this.#at(event.ts);
    const times = event.repeat ?? 1;
    const talk = this.#talk(event, line, now);
    talk.started += times;
    this.started += times;
    this.#tick(talk, now, times);
    if (event.error !== undefined && this.ended === 0) this.#fail(talk, event.error, times, now, line);
    return now;
  }

  #pending(event: Pending, line: Line): number {
    const now = this.#at(event.ts);
    const { id, retransmits = 0, waited_us: waited, pid } = event;
    if (this.waiting.size >= most.waiting && !this.waiting.has(id)) {
      this.other.waiting++;
      return now;
    }
    const kept = this.waiting.get(id)?.event ?? new Kept();
    kept.set(line);
    const row = { key: id, event: kept, start: Date.parse(event.start) * 1_000, waited, resent: retransmits };
    this.waiting.set(id, { ...row, who: whoOf(event), pid, to: cut(endpoint(event)) });
    return now;
  }

  /** Adds the bytes since the previous event about the connection. Those from before the start are not added. */
  #connection(event: Closed | Open, line: Line): number {
    const now = this.#at(event.ts);
    const { existing, sent_delta, received_delta } = event;
    if (event.type === 'open' && existing && sent_delta === undefined) return now;
    this.connections++;
    const talk = this.#talk(event, line, now);
    talk.sent += sent_delta ?? event.bytes_sent;
    talk.received += received_delta ?? event.bytes_received;
    return now;
  }

  #dns(event: Dns, line: Line): number {
    const now = this.#at(event.ts);
    const times = event.repeat ?? 1;
    this.lookedUp += times;
    if (event.error === undefined || event.search) return now;
    this.failedLookups += times;
    const name = cut(printable(event.name));
    const error = cut(printable(event.error));
    const key = `${error} ${name}`;
    const row = this.lookups.at(key, (spare) => ({ ...fresh(spare), key, name, error, server: '' }));
    row.count += times;
    row.server = event.server ?? '-';
    this.#note(row, whoOf(event), line, now);
    return now;
  }

  #talk(event: Outcome | Connect | Closed | Open, line: Line, now: number): Talk {
    const who = whoOf(event);
    const to = cut(endpoint(event));
    const key = `${who}\n${to}`;
    const talk = this.talks.at(key, (spare) => {
      const { event, latency, rate } = spare ?? { event: new Kept(), latency: new Sketch(), rate: new Rate() };
      latency.clear();
      rate.clear();
      return Object.assign(spare ?? {}, {
        key,
        event,
        who,
        to,
        started: 0,
        ended: 0,
        failed: 0,
        last: 0,
        sent: 0,
        received: 0,
        latency,
        rate,
      });
    });
    talk.event.set(line);
    talk.last = now;
    return talk;
  }

  #tick(talk: Talk, now: number, times: number): void {
    talk.rate.add(now, times);
    this.rate.add(now, times);
  }

  #fail(talk: Talk, cause: string, times: number, now: number, line: Line): void {
    talk.failed += times;
    this.failed += times;
    const key = `${cause}\n${talk.to}`;
    const row = this.failures.at(key, (spare) => ({ ...fresh(spare), key, to: talk.to, cause }));
    row.count += times;
    this.#note(row, talk.who, line, now);
  }

  #note(row: Failure | FailedLookup, who: string, line: Line, now: number): void {
    row.last = now;
    row.event.set(line);
    if (row.by.size < most.by) row.by.add(who);
  }

  #at(ts: string): number {
    const now = Date.parse(ts) * 1_000;
    if (this.first === 0 || now < this.first) this.first = now;
    return now;
  }
}

/** Returns what the rows of failures have in common, made of a row that was dropped if there is one. */
function fresh(spare: Failure | FailedLookup | undefined) {
  const { event, by } = spare ?? { event: new Kept(), by: new Set<string>() };
  by.clear();
  return { event, by, count: 0, last: 0 };
}

/** How many attempts a group stands for. With both connect and outcome events, each attempt has one of each. */
export const countOf = ({ started, ended }: Talk) => Math.max(started, ended);

/** Recent rows are worth more: a port scan makes many that never come again. */
const worth = ({ count, last }: { count: number; last: number }) => Math.log2(count + 1) + last / 60e6;

/** Returns why an attempt failed: `refused`, `error EADDRNOTAVAIL`, `denied (192.0.2.1: admin-prohibited)`, `timeout: firewall OUTPUT`. */
function causeOf({ result, error, icmp, icmp_from, drop_reason, drop_at }: Outcome): string {
  const why = result === 'error' && error !== undefined ? ` ${error}` : '';
  const dropped = drop_reason === undefined ? '' : `: ${dropCause(drop_reason, drop_at)}`; // what dropped it here; few columns
  return cut(printable(result + why) + rejectionText(icmp, icmp_from) + dropped);
}

const whoOf = ({ pcomm, comm }: { pcomm?: string; comm?: string }) => cut(printable(pcomm ?? comm ?? '-'));

const cut = (text: string) => (text.length > most.text ? `${text.slice(0, most.text)}…` : text);
