import { constants } from 'node:os';
import type { Tier } from '../../dist/collector/addon.js';
import type { Connect, Outcome, Pending } from '../../dist/index.js';
import type { Attempt } from '../live/client.js';
import type { Case } from './cases/case.js';

type Fields = Record<string, unknown>;
export type Event = Connect | Pending | Outcome;
/** The events of an attempt, without fields that differ between any two tiers. */
export interface AttemptEvents {
  connect?: Fields;
  pendings: Fields[];
  outcome?: Fields;
  /** In ms since 1970. */
  start: number;
  latency?: number;
}
export interface Wanted {
  connect: Fields;
  outcome: Fields;
  /** When the application called, in µs since 1970. */
  began: number;
  /** The duration that the application measured, if the call waited for the end. */
  took?: number;
}

const numbers = constants.errno as Record<string, number>;
/** A connect line is written when the call returns, or at most this long (µs) after the SYN. */
const connectDue = 100_000;
/** A pending line is written this long (µs) after the call. */
const pendingDue = { least: 1_000_000, most: 2_000_000 };

/** The expected events, from what the client reports and the case declares. */
export function expected(one: Case, attempt: Attempt, i: number, tier: Tier): Wanted | undefined {
  const less = one.less?.[tier];
  if (less === 'not seen') return undefined;
  const { began, ended, ...said } = attempt;
  const connect: Fields = { ...said };
  const [result, error] = (one.ends[i] ?? 'unexpected').split(' ');
  const unsent = ['unreachable', 'denied', 'error'].includes(result as string) && !one.icmp?.[i];
  if (!unsent || less === 'no errno') {
    connect.saddr ??= connect.daddr;
    connect.sport ??= 0; // the application can no longer ask for it
  }
  const later = said.error === 'EINPROGRESS' || said.error === 'EINTR';
  // the connect line of a call that fails after a second or more was written before
  if (later || less === 'no errno' || ended - began > 10 * connectDue) {
    delete connect.errno;
    delete connect.error;
  }
  Object.assign(connect, one.change?.[i]);
  if (connect.comm === 'iou-wrk-PID') connect.comm = `iou-wrk-${said.pid}`;
  for (const key of Object.keys(connect)) if (connect[key] === undefined) delete connect[key];
  const outcome: Fields = { ...connect, result };
  delete outcome.errno;
  delete outcome.error;
  if (error) Object.assign(outcome, { errno: numbers[error], error });
  const [icmp, icmp_from = connect.daddr] = one.icmp?.[i]?.split(' ') ?? [];
  if (icmp && less !== 'no icmp') Object.assign(outcome, { icmp, icmp_from });
  if (one.existing) outcome.existing = true;
  const measured = !later && !one.existing && !one.name.includes('Fast Open');
  return { connect, outcome, began, ...(measured && { took: ended - began }) };
}

export const strip = ({ type: _, v: _v, seq: _s, ts: _t, id: _i, ...rest }: Event): Fields => {
  const { start: _a, latency_us: _l, waited_us: _w, ...fields } = rest as Fields;
  return fields;
};

/**
 * Returns the events by attempt, in the order of their first lines, or `byStart`. Throws if an event is missing, duplicated
 * or out of order, or has another start.
 */
export function eventsByAttempt(
  events: Event[],
  report: 'attempt' | 'outcome' | 'both',
  byStart: boolean,
): AttemptEvents[] {
  const all = new Map<string, AttemptEvents>();
  const starts = new Map<string, string>();
  for (const event of events) {
    const wrong = (why: string) => new Error(`${why}: ${JSON.stringify(event)}`);
    const start = event.type === 'connect' ? event.ts : (event.start as string);
    const attempt = all.get(event.id) ?? { pendings: [], start: Date.parse(start) };
    if (start !== (starts.get(event.id) ?? start)) throw wrong('another start');
    if (attempt.outcome) throw wrong('after the outcome');
    if (event.type === 'connect' ? all.has(event.id) : report === 'both' && !attempt.connect)
      throw wrong(event.type === 'connect' ? 'not the first' : 'no connect');
    if (event.type === 'pending') attempt.pendings.push(strip(event));
    else attempt[event.type] = strip(event);
    if (event.type === 'outcome') attempt.latency = event.latency_us;
    starts.set(event.id, start);
    all.set(event.id, attempt);
  }
  for (const { outcome, connect } of all.values())
    if (report !== 'attempt' && !outcome) throw new Error(`no outcome: ${JSON.stringify(connect)}`);
  const start = (id: string) => starts.get(id) as string;
  const ids = [...all.keys()];
  if (byStart) ids.sort((a, b) => (start(a) < start(b) ? -1 : 1));
  return ids.map((id) => all.get(id) as AttemptEvents);
}

/**
 * Whether a latency is at most what the application measured, and most of it if it was long. The clocks may differ a
 * little. An aborted attempt ends with its socket, which the client closes after its measurement.
 */
const timely = (latency: number, took: number | undefined, aborted: boolean) =>
  took === undefined || ((aborted || latency <= took * 1.01 + 100) && (took < 1e6 || latency > took / 2));

/** How an event differs. 0 stands for any number, `a/b` for either result. SYNs are sent again after a second. */
function differences(is: Fields, should: Fields, latency: number): string[] {
  const keys = [...new Set([...Object.keys(is), ...Object.keys(should)])];
  const wrong = keys.filter((key) => {
    if (key === 'cgroup') return false;
    if (key === 'retransmits') return latency < 900_000;
    const any = should[key] === 0 && (key === 'tid' || key === 'sport') && Number(is[key]) > 0;
    const either = key === 'result' && String(should[key]).split('/').includes(String(is[key]));
    return !any && !either && is[key] !== should[key];
  });
  return wrong.map((key) => `${key}: ${is[key]} instead of ${should[key]}`);
}

/** An attempt that waited must have a pending line; one that did not must not. */
function pendingDifferences({ pendings, latency = 0 }: AttemptEvents, outcome: Fields): string[] {
  const due = outcome.existing || latency > pendingDue.most ? 1 : 0;
  const most = outcome.existing || latency > pendingDue.least ? 1 : 0;
  if (pendings.length < due || pendings.length > most) return [`${pendings.length} pending lines in ${latency} µs`];
  const { errno: _e, error: _n, icmp, icmp_from, ...same } = outcome;
  return pendings.flatMap((pending) => {
    const rejected = pending.icmp !== undefined && { icmp, icmp_from }; // the error arrived early, and the call still waits
    return differences(pending, { ...same, ...rejected, result: 'pending' }, latency);
  });
}

/** Returns what is not as expected, or an empty list. */
export function difference(actual: AttemptEvents[], wanted: Wanted[]): string[] {
  const wrong: string[] = [];
  if (actual.length !== wanted.length) wrong.push(`${actual.length} attempts instead of ${wanted.length}`);
  for (const [i, attempt] of actual.slice(0, wanted.length).entries()) {
    const { connect, outcome = {}, latency = 0 } = attempt;
    const should = wanted[i] as Wanted;
    const { errno: _e, error: _n, ...begun } = should.connect;
    // if a call waited less than a second, either line may have been written first
    const called = latency > connectDue / 2 && !connect?.errno ? begun : should.connect;
    if (connect) wrong.push(...differences(connect, called, latency).map((one) => `${i} connect ${one}`));
    wrong.push(...differences(outcome, should.outcome, latency).map((one) => `${i} outcome ${one}`));
    wrong.push(...pendingDifferences(attempt, should.outcome).map((one) => `${i} pending ${one}`));
    for (const event of [...attempt.pendings, ...(connect ? [connect] : [])])
      for (const key of ['sport', 'tid', 'cgroup'])
        if (outcome[key] !== event[key]) wrong.push(`${i}: another ${key} in the outcome`);
    if (!timely(latency, should.took, should.outcome.result === 'aborted'))
      wrong.push(`${i}: ${latency} µs of ${should.took}`);
    if (Math.abs(attempt.start - should.began / 1000) > 1000)
      wrong.push(`${i}: it began ${attempt.start}, not ${should.began}`);
  }
  return wrong.slice(0, 8);
}
