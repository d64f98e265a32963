import { constants } from 'node:os';
import type { Tier } from '../../dist/collector/addon.js';
import type { Connect, Outcome } from '../../dist/index.js';
import type { Attempt } from '../live/client.js';
import type { Case } from './cases/case.js';

type Fields = Record<string, unknown>;
/** An attempt's two events, without what no two tiers can have in common. */
export interface Pair {
  connect: Fields;
  outcome: Fields;
  latency?: number;
}
export interface Wanted extends Pair {
  /** What the application measured, where the call waited for the end. */
  took?: number;
}

const numbers = constants.errno as Record<string, number>;

/** What its two events must tell, from what the client says and the case declares. */
export function expected(one: Case, attempt: Attempt, i: number, tier: Tier): Wanted | undefined {
  const less = one.less?.[tier];
  if (less === 'not seen') return undefined;
  const { began, ended, ...said } = attempt;
  const connect: Fields = { ...said };
  const [result, error] = (one.ends[i] ?? 'unexpected').split(' ');
  if (['established', 'refused', 'timeout', 'reset', 'aborted'].includes(result?.split('/')[0] as string) || less) {
    connect.saddr ??= connect.daddr;
    connect.sport ??= 0; // the application cannot ask for it any more
  }
  if (said.error === 'EINPROGRESS' || said.error === 'EINTR' || less) {
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
  const later = said.error === 'EINPROGRESS' || said.error === 'EINTR' || one.name.includes('Fast Open');
  return { connect, outcome, ...(!later && { took: ended - began }) };
}

export const strip = ({ type: _, v: _v, seq: _s, ts: _t, id: _i, ...rest }: Connect | Outcome): Fields => {
  const { latency_us: _l, ...fields } = rest as Fields;
  return fields;
};

/** The events in pairs, by id. Throws where one is alone, or comes before its connect. */
export function pairs(events: (Connect | Outcome)[]): Pair[] {
  const open = new Map<string, { connect: Connect; pair: Pair }>();
  const all: Pair[] = [];
  for (const event of events) {
    const before = open.get(event.id);
    if (event.type === 'connect') {
      if (before) throw new Error(`two connects with one id: ${JSON.stringify(event)}`);
      const pair = { connect: strip(event), outcome: {} };
      open.set(event.id, { connect: event, pair });
      all.push(pair);
    } else {
      if (!before) throw new Error(`an outcome without its connect: ${JSON.stringify(event)}`);
      before.pair.outcome = strip(event);
      before.pair.latency = event.latency_us;
      open.delete(event.id);
    }
  }
  for (const { connect } of open.values()) throw new Error(`no outcome: ${JSON.stringify(connect)}`);
  return all;
}

/**
 * Within what the application measured, and most of it where it was long. The clocks may differ by a little. An attempt
 * that is aborted ends with its socket, which the client closes after it has measured.
 */
const timely = (latency: number, took: number | undefined, aborted: boolean) =>
  took === undefined || ((aborted || latency <= took * 1.01 + 100) && (took < 1e6 || latency > took / 2));

/** What is not as expected; nothing where all is. */
export function difference(actual: Pair[], wanted: Wanted[]): string[] {
  const wrong: string[] = [];
  if (actual.length !== wanted.length) wrong.push(`${actual.length} attempts instead of ${wanted.length}`);
  for (const [i, pair] of actual.slice(0, wanted.length).entries()) {
    for (const type of ['connect', 'outcome'] as const) {
      const [is, should] = [pair[type], wanted[i]?.[type] as Fields];
      for (const key of new Set([...Object.keys(is), ...Object.keys(should)])) {
        const any = should[key] === 0 && (key === 'tid' || key === 'sport') && Number(is[key]) > 0;
        const either = key === 'result' && String(should[key]).split('/').includes(String(is[key]));
        if (key !== 'cgroup' && !any && !either && is[key] !== should[key])
          wrong.push(`${i} ${type} ${key}: ${is[key]} instead of ${should[key]}`);
      }
    }
    for (const key of ['sport', 'tid', 'cgroup'])
      if (pair.outcome[key] !== pair.connect[key]) wrong.push(`${i}: another ${key} in the outcome`);
    const { took, outcome } = wanted[i] as Wanted;
    if (!timely(pair.latency as number, took, outcome.result === 'aborted'))
      wrong.push(`${i}: ${pair.latency} µs of ${took}`);
  }
  return wrong.slice(0, 8);
}
