/** Random attempts that wait, and their events as the collector writes them. */
import fc from 'fast-check';
import { timeText } from '../../transforms/aggregate/time.js';
import { begin, type Event } from './summaries.js';

export interface Attempt {
  id: string;
  comm: string;
  dport: number;
  host: string | undefined;
  /** Times of its pending events, and of its outcome, in µs since `begin`. */
  pending: number[];
  end: number | undefined;
  failed: boolean;
}

const us = fc.integer({ min: 0, max: 59e6 });

/** Attempts; two have the same ID only if their hosts differ. */
export const attempts: fc.Arbitrary<Attempt[]> = fc
  .uniqueArray(
    fc.record({
      id: fc.integer({ min: 1, max: 40 }).map((id) => String(id * 65536)),
      comm: fc.constantFrom('curl', 'ü"\\', 'node'),
      dport: fc.constantFrom(80, 443),
      host: fc.constantFrom(undefined, 'web-1', 'web-2'),
      times: fc.array(us, { minLength: 1, maxLength: 3 }),
      ends: fc.boolean(),
      failed: fc.boolean(),
    }),
    { maxLength: 25, selector: ({ id, host }) => `${id} ${host}` },
  )
  .map((all) =>
    all.map(({ times, ends, ...one }) => {
      const sorted = times.sort((a, b) => a - b);
      return { ...one, end: ends ? (sorted.pop() as number) : undefined, pending: sorted };
    }),
  );

export function eventsOf({ id, comm, dport, host, pending, end, failed }: Attempt): Event[] {
  const start = timeText(begin - 1e6);
  const event = (type: string, at: number, more: object) => ({
    type,
    v: 1,
    seq: 1,
    ts: timeText(begin + at),
    start,
    id,
    pid: 7,
    comm,
    family: 4,
    daddr: '192.0.2.1',
    dport,
    via: 'connect',
    ...more,
    ...(host !== undefined && { host }),
  });
  const ending = failed ? { result: 'refused', errno: 111, error: 'ECONNREFUSED' } : { result: 'established' };
  return [
    ...pending.map((at) => event('pending', at, { result: 'pending', waited_us: at + 1e6 })),
    ...(end === undefined ? [] : [event('outcome', end, { ...ending, latency_us: end + 1e6 })]),
  ];
}

/** The events of attempts in the order of time; of one attempt, pending events first. */
export const inOrder = (all: readonly Attempt[]): Event[] =>
  all.flatMap(eventsOf).sort((a, b) => (a.ts < b.ts ? -1 : a.ts > b.ts ? 1 : 0));

/** Whether an attempt waits at a moment: a pending event came before, and its outcome did not. */
export const waits = ({ pending, end = Number.POSITIVE_INFINITY }: Attempt, at: number) =>
  pending.some((time) => time < at) && end >= at;
