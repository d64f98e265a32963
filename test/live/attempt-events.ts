import assert from 'node:assert/strict';
import type { Connect, Lost, Outcome, Pending, Status } from '../../dist/index.js';
import { statuses } from './collect.js';

export type AttemptEvent = Connect | Outcome | Pending;
type Line = AttemptEvent | Lost | Status;

const isAttemptEvent = (event: Line): event is AttemptEvent => ['connect', 'outcome', 'pending'].includes(event.type);

export const attemptEvents = (lines: string[]): AttemptEvent[] =>
  lines.map((line) => JSON.parse(line) as Line).filter(isAttemptEvent);

/** The events of each attempt, in order, joined by id. */
export function eventsByAttempt(lines: string[]): AttemptEvent[][] {
  const byId = new Map<string, AttemptEvent[]>();
  for (const event of attemptEvents(lines)) byId.set(event.id, [...(byId.get(event.id) ?? []), event]);
  const all = [...byId.values()];
  for (const events of all) assertConsistent(events);
  return all;
}

/** Asserts that all events agree on the process, destination and start, and that none follows the outcome. */
function assertConsistent(events: AttemptEvent[]): void {
  const [first] = events as [AttemptEvent];
  for (const [i, event] of events.entries()) {
    for (const key of ['pid', 'tid', 'uid', 'comm', 'exe', 'netns', 'cgroup', 'daddr', 'dport', 'via'] as const)
      assert.deepEqual(event[key], first[key], `${key}: ${JSON.stringify(events)}`);
    assert.equal(startOf(event), startOf(first), JSON.stringify(events));
    assert.ok(event.type !== 'connect' || i === 0, JSON.stringify(events));
    assert.ok(event.type !== 'outcome' || i === events.length - 1, JSON.stringify(events));
  }
}

/** When connect() was called. */
export const startOf = (event: AttemptEvent) => (event.type === 'connect' ? event.ts : event.start);
export const micros = (time: string) => Date.parse(`${time.slice(0, 19)}Z`) * 1000 + Number(time.slice(20, 26));

/** How tests write the events of an attempt: `connect, pending, refused ECONNREFUSED`. */
export const sequenceOf = (events: AttemptEvent[]) =>
  events
    .map((event) => {
      if (event.type === 'connect') return event.error ? `connect ${event.error}` : 'connect';
      return event.type === 'outcome' && event.error ? `${event.result} ${event.error}` : event.result;
    })
    .join(', ');

export interface Ledger {
  attempts: number;
  outcomes: number;
  connects: number;
  pendings: number;
  /** Attempts that were open at the end. */
  open: number;
  lost: number;
  lostUpdates: number;
}

/** What the lines add up to. Asserts that the last status agrees. */
export function ledger(lines: string[], report: 'attempt' | 'outcome' | 'both' = 'outcome'): Ledger {
  const count = { connect: 0, outcome: 0, pending: 0 };
  let lost = 0;
  let lostUpdates = 0;
  let seq = 0;
  for (const line of lines) {
    const event = JSON.parse(line) as Line;
    if (event.type === 'lost' && event.where === 'update') lostUpdates += event.count;
    else if (event.type === 'lost') lost += event.count;
    else if (isAttemptEvent(event)) {
      count[event.type]++;
      assert.equal(event.seq, ++seq, `no gap: ${line}`);
    }
  }
  const out = report === 'attempt' ? count.connect : count.outcome;
  const end = statuses(lines).at(-1) as Status;
  const open = report === 'attempt' ? 0 : (end.pending as number);
  const { in: all, out: said, lost: less, updates, lost_updates } = end as unknown as Record<string, number>;
  assert.deepEqual(
    { phase: end.phase, all, said, less, updates, lost_updates },
    {
      phase: 'end',
      all: out + lost + open,
      said: out,
      less: lost,
      updates: count.connect + count.outcome + count.pending - out,
      lost_updates: lostUpdates,
    },
  );
  return {
    attempts: all as number,
    outcomes: count.outcome,
    connects: count.connect,
    pendings: count.pending,
    open,
    lost,
    lostUpdates,
  };
}
