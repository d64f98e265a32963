import assert from 'node:assert/strict';
import type { Connect, Outcome, Pending, Status } from '../../dist/index.js';
import type { Attempt, Said } from './client.js';
import { Collector, counted, isAttempt, ledger, lostIn, outcomes, statuses, stillOpen } from './collect.js';
import type { Net } from './net.js';

/** How tests write an outcome: `refused ECONNREFUSED`. */
export const endOf = ({ result, error }: Outcome) => (error ? `${result} ${error}` : result);

/** Fields in which the events of an attempt differ: a connect's ts is the attempt's start, the others have extra fields. */
const own = [
  'type',
  'seq',
  'ts',
  'errno',
  'error',
  'result',
  'icmp',
  'icmp_from',
  'latency_us',
  'waited_us',
  'retransmits',
];

/** The fields that all events of an attempt share. */
function shared(event: Connect | Pending | Outcome): object {
  const all = { ...event, ...(event.type === 'connect' && { start: event.ts }) };
  return Object.fromEntries(Object.entries(all).filter(([key]) => !own.includes(key)));
}

/** Microseconds since 1970. */
const microseconds = (ts: string | undefined) => Date.parse(`${ts?.slice(0, 19)}Z`) * 1000 + Number(ts?.slice(20, 26));

/** Asserts that each connect has exactly one outcome, later and with the same shared fields, as has any pending event. */
export function paired(lines: string[]): void {
  const open = new Map<string, Connect | Pending>();
  const ended = new Set<string>();
  for (const line of lines.filter(isAttempt)) {
    const event: Connect | Pending | Outcome = JSON.parse(line);
    if (event.type === 'connect') {
      assert.ok(!open.has(event.id) && !ended.has(event.id), `the ID of another attempt: ${line}`);
      open.set(event.id, event);
      continue;
    }
    const before = open.get(event.id) ?? assert.fail(`no connect: ${line}`);
    assert.deepEqual(shared(event), shared(before));
    assert.ok(event.seq > before.seq, `written before its connect: ${line}`);
    const took = event.type === 'pending' ? event.waited_us : event.latency_us;
    const between = microseconds(event.ts) - microseconds(event.start);
    assert.ok(took >= 0 && Math.abs(between - took) <= 1, line); // each is rounded separately
    if (event.type === 'pending') continue;
    open.delete(event.id);
    ended.add(event.id);
  }
  assert.deepEqual([...open.values()], [], 'without an outcome');
}

const wanted = ({ pid, uid, daddr, dport, family }: Attempt | Outcome) => ({ pid, uid, daddr, dport, family });

export interface Seen {
  lines: string[];
  events: Outcome[];
  end: Status;
  lost: number;
}

/** Returns what the collector writes about a namespace while `body` runs, up to the end. */
export async function during(net: Net, report: 'both' | 'outcome', body: () => Promise<unknown>): Promise<Seen> {
  const collector = await Collector.start(['--report', report, '--netns', net.inode]);
  await body();
  const { code, stderr, lines } = await collector.stop();
  const end = statuses(lines).at(-1) as Status;
  const { pending = 0 } = end;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: stillOpen(pending) });
  assert.deepEqual(counted(lines), ledger(lines, report, pending));
  return { lines, events: outcomes(lines), end, lost: lostIn(lines) };
}

/**
 * For attempts that a timer ends: runs them again, at most twice, if an outcome is missing. A sandbox's kernel may run no BPF
 * program while its own process 1 is current, not even for a timer that fires then: ftrace shows the state change.
 */
export async function timed(watch: () => Promise<Seen>): Promise<Seen> {
  for (let tries = 1; ; tries++) {
    const seen = await watch();
    if (!(seen.end.pending || seen.lost) || tries === 3) return seen;
  }
}

/** Runs attempts, and asserts how they end: in order, each with the right process and destination. */
export async function ends(
  net: Net,
  commands: (string | number)[][],
  expected: string[],
  often = (watch: () => Promise<Seen>) => watch(),
): Promise<Seen & Said> {
  let all: Said = { attempts: [], later: [] };
  const seen = await often(() => {
    all = { attempts: [], later: [] };
    return during(net, 'both', async () => {
      for (const args of commands) {
        const { attempts, later, unavailable } = await net.client(args);
        all.attempts.push(...attempts);
        all.later.push(...later);
        if (unavailable) all.unavailable = unavailable;
      }
    });
  });
  if (all.unavailable) return { ...seen, ...all };
  paired(seen.lines);
  assert.deepEqual(seen.events.map(endOf), expected);
  const plain = all.attempts.map((attempt) =>
    wanted({ ...attempt, daddr: attempt.daddr.replace('0.0.0.0', '127.0.0.1') }),
  );
  assert.deepEqual(seen.events.map(wanted), plain);
  assert.deepEqual({ lost: seen.lost, pending: seen.end.pending }, { lost: 0, pending: 0 });
  return { ...seen, ...all };
}
