import assert from 'node:assert/strict';
import type { Connect, Outcome, Status } from '../../dist/index.js';
import type { Attempt, Said } from './client.js';
import { Collector, connects, lostIn, statuses } from './collect.js';
import type { Net } from './net.js';

export const outcomes = (lines: string[]): Outcome[] =>
  lines.filter((line) => line.startsWith('{"type":"outcome"')).map((line) => JSON.parse(line));

/** As it is written here: `refused ECONNREFUSED`. */
export const endOf = ({ result, error }: Outcome) => (error ? `${result} ${error}` : result);

/** Each connect has exactly one outcome, which comes later and tells the same and more. */
export function paired(lines: string[]): void {
  const open = new Map<string, Connect>();
  const ended = new Set<string>();
  for (const line of lines) {
    const event: Connect | Outcome | Status = JSON.parse(line);
    if (event.type === 'connect') {
      assert.ok(!open.has(event.id) && !ended.has(event.id), `the id of another attempt: ${line}`);
      open.set(event.id, event);
    }
    if (event.type !== 'outcome') continue;
    const {
      type: _,
      seq,
      ts,
      errno: _e,
      error: _n,
      ...told
    } = open.get(event.id) ?? assert.fail(`no connect: ${line}`);
    const { type: _t, seq: later, ts: _s, result: _r, errno: _o, error: _a, latency_us, ...repeated } = event;
    assert.deepEqual(repeated, told);
    assert.ok(later > seq, `told before its connect: ${line}`);
    assert.ok(latency_us >= 0 && Date.parse(ts) > 0, line);
    open.delete(event.id);
    ended.add(event.id);
  }
  assert.deepEqual([...open.values()], [], 'without an outcome');
}

const wanted = ({ pid, uid, daddr, dport, family }: Attempt | Outcome) => ({ pid, uid, daddr, dport, family });

export interface Told {
  lines: string[];
  events: Outcome[];
  end: Status;
  lost: number;
}

/** What is told of a namespace while something happens in it, to the end. */
export async function during(net: Net, report: 'both' | 'outcome', body: () => Promise<unknown>): Promise<Told> {
  const collector = await Collector.start(['--report', report, '--netns', net.inode]);
  await body();
  const { code, stderr, lines } = await collector.stop();
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  const end = statuses(lines).at(-1) as Status;
  const told = { lines, events: outcomes(lines), end, lost: lostIn(lines) };
  const { in: all, out, lost, pending } = end as Status & { out: number; lost: number; pending: number };
  assert.deepEqual([all, out, lost], [out + lost + pending, connects(lines).length + told.events.length, told.lost]);
  return told;
}

/**
 * Where a timer ends attempts: once more, or twice, if an outcome is missing. A sandbox's kernel may run no BPF program
 * while its own process 1 is current, not even for a timer that comes just then: ftrace shows the socket's state change.
 */
export async function timed(tell: () => Promise<Told>): Promise<Told> {
  for (let tries = 1; ; tries++) {
    const told = await tell();
    if (!(told.end.pending || told.lost) || tries === 3) return told;
  }
}

/** Attempts, and how they are told to end: in the order of the attempts, each of the right process and destination. */
export async function ends(
  net: Net,
  commands: (string | number)[][],
  expected: string[],
  often = (tell: () => Promise<Told>) => tell(),
): Promise<Told & Said> {
  let all: Said = { attempts: [], later: [] };
  const told = await often(() => {
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
  if (all.unavailable) return { ...told, ...all };
  paired(told.lines);
  assert.deepEqual(told.events.map(endOf), expected);
  const plain = all.attempts.map((attempt) =>
    wanted({ ...attempt, daddr: attempt.daddr.replace('0.0.0.0', '127.0.0.1') }),
  );
  assert.deepEqual(told.events.map(wanted), plain);
  assert.deepEqual({ lost: told.lost, pending: told.end.pending }, { lost: 0, pending: 0 });
  return { ...told, ...all };
}
