import assert from 'node:assert/strict';
import type { Connect, Lost, Outcome, Pending, Status } from '../../dist/index.js';
import { statuses } from './collect.js';

export type Told = Connect | Outcome | Pending;
type Line = Told | Lost | Status;

const isTold = (event: Line): event is Told => ['connect', 'outcome', 'pending'].includes(event.type);

export const told = (lines: string[]): Told[] => lines.map((line) => JSON.parse(line) as Line).filter(isTold);

/** The events of each attempt, in order, joined by id. */
export function stories(lines: string[]): Told[][] {
  const byId = new Map<string, Told[]>();
  for (const event of told(lines)) byId.set(event.id, [...(byId.get(event.id) ?? []), event]);
  const all = [...byId.values()];
  for (const story of all) isOne(story);
  return all;
}

/** Asserts that all events agree on the process, destination and start, and that none follows the outcome. */
function isOne(story: Told[]): void {
  const [first] = story as [Told];
  for (const [i, event] of story.entries()) {
    for (const key of ['pid', 'tid', 'uid', 'comm', 'exe', 'netns', 'cgroup', 'daddr', 'dport', 'via'] as const)
      assert.deepEqual(event[key], first[key], `${key}: ${JSON.stringify(story)}`);
    assert.equal(startOf(event), startOf(first), JSON.stringify(story));
    assert.ok(event.type !== 'connect' || i === 0, JSON.stringify(story));
    assert.ok(event.type !== 'outcome' || i === story.length - 1, JSON.stringify(story));
  }
}

/** When connect() was called. */
export const startOf = (event: Told) => (event.type === 'connect' ? event.ts : event.start);
export const micros = (time: string) => Date.parse(`${time.slice(0, 19)}Z`) * 1000 + Number(time.slice(20, 26));

/** How tests write the events of an attempt: `connect, pending, refused ECONNREFUSED`. */
export const inWords = (story: Told[]) =>
  story
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
    else if (isTold(event)) {
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
