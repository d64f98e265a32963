import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { after, type TestContext, test } from 'node:test';
import type { Connect } from '../../dist/index.js';
import type { Attempt } from './client.js';
import { bin, Collector, connects, lostIn } from './collect.js';
import { Net } from './net.js';
import { until } from './wait.js';

/** Skips a live test that this machine cannot run, with the reason. With SYNPIPE_REQUIRE_LIVE=1 it fails instead. */
export function cannot(t: TestContext, reason: string): void {
  if (process.env.SYNPIPE_REQUIRE_LIVE === '1') assert.fail(`a live test cannot run: ${reason}`);
  console.error(`# skipped: ${reason}`);
  t.skip(reason);
}

export function refusal(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root';
  try {
    execFileSync(`${bin}doctor`, { stdio: 'pipe', encoding: 'utf8' });
    execFileSync('ip', ['netns', 'list'], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    const { stdout, message } = error as Error & { stdout?: string };
    return stdout?.trim().split('\n').at(-1) || message;
  }
}
let refused: string | undefined | null = null;

/** This file's collector, which sees all of its tests. */
let shared: Promise<Collector> | undefined;

/** Runs a test with its own network namespace. */
export function live(
  name: string,
  body: (net: Net, t: TestContext) => Promise<void>,
  more: { timeout?: number } = {},
): void {
  test(name, { timeout: 120_000, ...more }, async (t) => {
    if (refused === null) refused = refusal();
    if (refused) return cannot(t, refused);
    const net = new Net();
    try {
      await body(net, t);
    } finally {
      const common = await shared;
      for (const left of Collector.running) if (left !== common) left.child.kill('SIGKILL');
      await net.remove();
    }
  });
}

const own = `"netns":`;
const known = new Set<number>();
after(async () => {
  if (shared) await (await shared).stop();
});

/** Watches a namespace with this file's collector. Events are returned in order. */
export async function watch(net: Net): Promise<{ events: () => Promise<Connect[]>; lost: () => number }> {
  known.add(net.inode);
  shared ??= Collector.start(['--report', 'attempt'], (line) => {
    const at = line.indexOf(own) + own.length;
    return known.has(Number.parseInt(line.slice(at, at + 10), 10));
  });
  const collector = await shared;
  const from = collector.lines().length; // an earlier namespace may have had the same inode number
  return {
    lost: () => lostIn(collector.lines().slice(from)),
    /** Returns all events so far: a new attempt marks the end. */
    async events() {
      const [mark] = (await net.client(['blocking', '127.0.0.1', 1])).attempts as [Attempt];
      const isMark = (line: string) => line.includes(`"pid":${mark.pid},`) && line.includes(`"netns":${net.inode},`);
      const lines = await until('the event of the mark', () => {
        const lines = collector.lines().slice(from);
        return lines.some(isMark) && lines;
      });
      return connects(lines.slice(0, lines.findIndex(isMark))).filter(({ netns }) => netns === net.inode);
    },
  };
}

function cgroup(): string {
  const path = readFileSync('/proc/self/cgroup', 'utf8').match(/^0::(.*)$/m)?.[1];
  const mount = readFileSync('/proc/mounts', 'utf8').match(/^\S+ (\S+) cgroup2 /m)?.[1];
  return path !== undefined && mount ? String(statSync(mount + path, { bigint: true }).ino) : '';
}

/** The fields that an attempt determines. */
export function fields(event: Connect): Omit<Attempt, 'began' | 'ended'> {
  const { type: _, v: _v, seq: _s, ts: _t, id: _i, cgroup: _c, ...rest } = event;
  return rest as Omit<Attempt, 'began' | 'ended'>;
}

/** The expected event of an attempt. An error that arrives after the call returned is not the call's error. */
export function eventOf({ began: _, ended: _e, ...attempt }: Attempt): ReturnType<typeof fields> {
  if (attempt.error === 'EINPROGRESS' || attempt.error === 'EINTR') {
    delete attempt.errno;
    delete attempt.error;
  }
  return attempt;
}

/** Asserts that each attempt has exactly one event, complete and in order, and that no other event exists. */
export function same(events: Connect[], attempts: Attempt[], more: Partial<Attempt>[] = []): void {
  const wanted = attempts.map((attempt, i) => {
    const merged = { ...eventOf(attempt), ...more[i] };
    for (const key of Object.keys(merged) as (keyof typeof merged)[]) if (merged[key] === undefined) delete merged[key];
    return merged;
  });
  assert.deepEqual(events.map(fields), wanted);
  const group = cgroup();
  for (const [i, event] of events.entries()) {
    const at = Date.parse(event.ts) * 1000;
    // allows a second on each side: the clocks are read one after the other, and this machine may pause in between
    const off = Math.abs(at - (attempts[i] as Attempt).began);
    assert.ok(off < 1e6, `${event.ts} is not when ${JSON.stringify(attempts[i])} began`);
    if (group) assert.equal(event.cgroup, group);
  }
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length, 'ids are unique');
}
