import type { Style } from '../../schemas/pipe/terminal/colour.js';
import { bytes, count, counted, duration, rate } from '../../schemas/pipe/terminal/human.js';
import type { Kept } from './kept.js';
import { countOf, type FailedLookup, type Failure, type Model, type Talk, type Waiting } from './model.js';

/** A column of a section. */
export interface Column<R> {
  title: string;
  text(row: R, now: number, start: number): string;
  /** Its width in characters … */
  width?: number;
  /** … or its share of the width that is left. */
  share?: number;
  /** Aligns to the right, for numbers. */
  right?: true;
  /** A long text is shortened at its end, not in its middle. */
  fromStart?: true;
  /** Shown only if the screen has at least this many columns. */
  from?: number;
  /** Shown only if the events say something about it. */
  needs?(model: Model): boolean;
  style?(row: R): Style | undefined;
}

/** An order of rows. Times are in µs. */
export interface Order<R> {
  name: string;
  of(a: R, b: R, now: number): number;
}

/** One of the lists on the screen. The first column's title is its own. */
export interface Section<R> {
  /** What it is called in one word, in lower case. */
  name: string;
  rows(model: Model): Iterable<R>;
  /** A line about rows that were dropped. */
  other(model: Model): string | undefined;
  /** How many rows there are, including dropped ones that still count. */
  size(model: Model): number;
  columns: readonly Column<R>[];
  orders: readonly Order<R>[];
}

const largest = <R>(name: string, value: (row: R, now: number) => number): Order<R> => ({
  name,
  of: (a, b, now) => value(b, now) - value(a, now),
});
const alphabet = <R>(name: string, text: (row: R) => string): Order<R> => ({
  name,
  of: (a, b) => (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0),
});
const withPort = ({ who, pid }: Waiting) => (pid === undefined ? who : `${who}[${pid}]`);

/** How long an attempt has waited by now, in µs. */
export const waitedOf = ({ start, waited }: Waiting, now: number) => Math.max(waited, now - start);

/** Formats how long ago something was: `now`, `12 s`, `4 m 10 s`. */
function ago(us: number): string {
  if (us < 1e6) return 'now';
  return us < 60e6 ? `${Math.floor(us / 1e6)} s` : duration(us);
}

/** Formats `pending 12.3 s, 4 SYNs sent again`. */
export function state(row: Waiting, now: number): string {
  const waited = waitedOf(row, now);
  const tenths = waited < 59.95e6 ? `${(waited / 1e6).toFixed(1)} s` : duration(waited); // ticks evenly
  const syns = row.resent === 1 ? '1 SYN' : `${row.resent} SYNs`;
  return `pending ${tenths}${row.resent > 0 ? `, ${syns} sent again` : ''}`;
}

function names(all: ReadonlySet<string>): string {
  return [...all].join(', ');
}

const waiting: Section<Waiting> = {
  name: 'waiting',
  rows: ({ waiting }) => waiting.values(),
  size: ({ open }) => open,
  other: ({ other }) => (other.waiting > 0 ? `and ${counted(other.waiting, 'attempt')} more` : undefined),
  columns: [
    { title: 'WAITING', width: 36, text: state, style: () => 'yellow' },
    { title: 'PROCESS', share: 2, text: withPort },
    { title: 'DESTINATION', share: 3, text: ({ to }) => to },
  ],
  orders: [
    largest('longest', waitedOf),
    largest('newest', ({ start }) => start),
    alphabet('process', withPort),
    alphabet('destination', ({ to }) => to),
  ],
};

const failing: Section<Failure> = {
  name: 'failing',
  rows: ({ failures }) => failures.values(),
  size: ({ failures }) => failures.size,
  other: ({ other }) =>
    other.failures > 0 ? `and ${counted(other.failures, 'attempt')} to other destinations` : undefined,
  columns: [
    { title: 'FAILING DESTINATIONS', share: 3, text: ({ to }) => to },
    { title: 'CAUSE', share: 2, fromStart: true, text: ({ cause }) => cause, style: () => 'red' },
    { title: 'COUNT', width: 7, right: true, text: (row) => count(row.count) },
    { title: 'AGO', width: 9, right: true, text: ({ last }, now) => ago(now - last) },
    { title: 'PROCESS', share: 1.5, text: ({ by }) => names(by) },
  ],
  orders: [
    largest('count', ({ count }) => count),
    largest('newest', ({ last }) => last),
    alphabet('destination', ({ to }) => to),
    alphabet('cause', ({ cause }) => cause),
  ],
};

const quantile = (row: Talk, q: number) => {
  const us = row.latency.at(q);
  return us === undefined ? '-' : duration(us);
};

const hasConnections = ({ connections }: Model) => connections > 0;

const talking: Section<Talk> = {
  name: 'talking',
  rows: ({ talks }) => talks.values(),
  size: ({ talks }) => talks.size,
  other: ({ other }) =>
    other.talks > 0 ? `and ${counted(other.attempts, 'attempt')} of ${count(other.talks)} other pairs` : undefined,
  columns: [
    { title: 'PROCESS → DESTINATION', share: 1, text: ({ who, to }) => `${who} → ${to}` },
    { title: 'PER S', width: 6, right: true, text: (row, now, start) => rate(row.rate.at(now, start)) },
    { title: 'COUNT', width: 7, right: true, text: (row) => count(countOf(row)) },
    {
      title: 'FAILED',
      width: 7,
      right: true,
      text: ({ failed }) => count(failed),
      style: ({ failed }) => (failed > 0 ? 'red' : undefined),
    },
    { title: 'P50', width: 7, right: true, text: (row) => quantile(row, 0.5) },
    { title: 'P99', width: 7, right: true, text: (row) => quantile(row, 0.99) },
    { title: 'SENT', width: 8, right: true, from: 100, needs: hasConnections, text: ({ sent }) => bytes(sent) },
    {
      title: 'RECEIVED',
      width: 8,
      right: true,
      from: 100,
      needs: hasConnections,
      text: ({ received }) => bytes(received),
    },
    { title: 'AGO', width: 9, right: true, from: 110, text: ({ last }, now) => ago(now - last) },
  ],
  orders: [
    largest('rate', ({ rate }, now) => rate.at(now, 0)),
    largest('count', countOf),
    largest('failed', ({ failed }) => failed),
    largest('p50', ({ latency }) => latency.at(0.5) ?? -1),
    largest('p99', ({ latency }) => latency.at(0.99) ?? -1),
    largest('bytes', ({ sent, received }) => sent + received),
    alphabet('process', ({ who }) => who),
    alphabet('destination', ({ to }) => to),
  ],
};

const lookups: Section<FailedLookup> = {
  name: 'look-ups',
  rows: ({ lookups }) => lookups.values(),
  size: ({ lookups }) => lookups.size,
  other: ({ other }) => (other.lookups > 0 ? `and ${count(other.lookups)} look-ups of other names` : undefined),
  columns: [
    { title: 'FAILED DNS LOOK-UPS', share: 3, text: ({ name }) => name },
    { title: 'ERROR', width: 9, text: ({ error }) => error, style: () => 'red' },
    { title: 'SERVER', share: 1.5, from: 110, text: ({ server }) => server },
    { title: 'COUNT', width: 7, right: true, text: (row) => count(row.count) },
    { title: 'AGO', width: 9, right: true, text: ({ last }, now) => ago(now - last) },
    { title: 'PROCESS', share: 1.5, text: ({ by }) => names(by) },
  ],
  orders: [
    largest('count', ({ count }) => count),
    largest('newest', ({ last }) => last),
    alphabet('name', ({ name }) => name),
    alphabet('error', ({ error }) => error),
  ],
};

export const sections = [waiting, failing, talking, lookups] as unknown as readonly Section<AnyRow>[];

/** A row of any section. */
export interface AnyRow {
  key: string;
  event: Kept;
}
