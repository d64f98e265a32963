/*
 * Runs in a guest: our collector in its two better tiers, and the originals, on the same attempts.
 * Prints one JSON object, a Comparison. SYNPIPE_VM_BCC=1 adds the bcc tool, which takes minutes to start.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync, watch } from 'node:fs';
import { release } from 'node:os';
import type { Connect, Outcome } from '../../dist/index.js';
import { Collector } from '../live/collect.js';
import { until } from '../live/wait.js';
import { black, type Case, closed, setUp } from './cases/case.js';
import { cases } from './cases.js';
import { output, type Peer, parse, peers, start } from './originals.js';
import { Place } from './place.js';

/** The comparison of one original with one tier. */
export interface Side {
  lines: number;
  /** Lines that match none of our events. */
  unmatched: string[];
  /** What it does not print: by reason, the cases with their number of attempts. */
  omitted: Record<string, Record<string, number>>;
  /** Pairs of our latency and its latency, in µs. */
  latencies: [number, number][];
}
export interface Comparison {
  kernel: string;
  sides: Record<string, Side>;
  /** By tier: how many ms our line for a hanging connect came after tcpconnect.bt's, with --report attempt. */
  later: Record<string, number[]>;
}

interface Ours {
  connect: Connect;
  outcome: Outcome | undefined;
  name: string;
}

/** Why an original has no line for an attempt; undefined if it should have one. */
function reason({ name }: Peer, { connect, outcome }: Ours): string | undefined {
  if (!connect.sport) return 'failed before a SYN';
  if (!name.endsWith('tcpconnlat')) return undefined;
  if (outcome?.icmp) return 'answered by ICMP';
  if (outcome?.result === 'timeout' || outcome?.result === 'aborted') return 'nothing came back';
  return undefined;
}

function compare(peer: Peer, ours: Ours[], pids: Map<number, string>): Side {
  const side: Side = { lines: 0, unmatched: [], omitted: {}, latencies: [] };
  const left = new Set(ours);
  for (const text of output(peer).split('\n')) {
    const line = parse(peer, text);
    if (!line || !pids.has(line.pid)) continue;
    side.lines++;
    const same = ({ connect: is }: Ours) =>
      is.pid === line.pid &&
      (is.comm === line.comm || (line.comm.length >= 12 && is.comm.startsWith(line.comm))) &&
      is.saddr === line.saddr &&
      is.daddr === line.daddr &&
      is.dport === line.dport &&
      (line.sport === undefined || is.sport === line.sport);
    const found = [...left].find(same);
    if (!found) {
      side.unmatched.push(text);
      continue;
    }
    left.delete(found);
    // without a call that we see, our latency starts at the SYN
    if (line.latency === undefined || found.connect.via === 'sendmsg') continue;
    side.latencies.push([found.outcome?.latency_us ?? -1, line.latency]);
  }
  const order = (one: Ours) => cases.findIndex(({ name }) => name === one.name);
  for (const one of [...left].sort((a, b) => order(a) - order(b))) {
    const why = reason(peer, one) ?? 'unknown';
    const by = side.omitted[why] ?? {};
    by[one.name] = (by[one.name] ?? 0) + 1;
    side.omitted[why] = by;
  }
  return side;
}

/** When a line of a process appeared in each file, in ms. */
async function arrivals(files: Record<string, string>, startClient: () => number): Promise<Record<string, number>> {
  const seen: Record<string, number> = {};
  let pid: number | undefined;
  const watchers = Object.entries(files).map(([name, path]) => {
    const from = statSync(path).size;
    return watch(path, () => {
      const text = readFileSync(path).subarray(from).toString();
      if (pid !== undefined && new RegExp(`(^|"pid":|\\s)${pid}[, ]`, 'm').test(text)) seen[name] ??= performance.now();
    });
  });
  pid = startClient();
  await until(`all lines of ${pid}`, () => Object.keys(seen).length === watchers.length);
  for (const watcher of watchers) watcher.close();
  return seen;
}

/** Makes hanging connects one after the other, and compares when each tool prints them. */
async function race(times: number): Promise<void> {
  const early = new Map<string, Collector>();
  for (const tier of tiers) early.set(tier, await Collector.start(['--tier', tier, '--report', 'attempt']));
  const files = Object.fromEntries([...early].map(([tier, { path }]) => [tier, path]));
  const [theirs] = peers.filter(({ name }) => name === 'tcpconnect.bt');
  files.theirs = theirs?.running?.path as string;
  for (let i = 0; i < times; i++) {
    const clients: ChildProcess[] = [];
    const seen = await arrivals(files, () => {
      const { child } = net.start(['blocking', '127.0.0.1', black]);
      clients.push(child);
      return child.pid as number;
    });
    for (const tier of tiers) {
      comparison.later[tier] ??= [];
      comparison.later[tier].push(Math.round((seen[tier] as number) - (seen.theirs as number)));
    }
    for (const client of clients) client.kill('SIGKILL');
  }
  for (const collector of early.values()) await collector.stop();
}

const tiers = ['fentry', 'kprobe'];
const net = new Place();
const narrow = new Place();
const held = new Place();
const collectors = new Map<string, Collector>();
const comparison: Comparison = { kernel: release(), sides: {}, later: {} };
try {
  await setUp(net, narrow, held);
  await Promise.all(peers.map(start));
  await race(9);
  for (const tier of tiers) collectors.set(tier, await Collector.start(['--tier', tier, '--report', 'both']));

  const names = new Map<number, string>();
  const drive = async ({ run, name }: Case) => {
    const { pids } = await (typeof run === 'function' ? run(net, narrow, held) : net.drive(run));
    for (const pid of pids) names.set(pid, name);
  };
  const few = cases.filter(({ ends, existing }) => ends.length < 100 && !existing);
  const slow = Promise.all(few.filter(({ slow }) => slow).map(drive));
  for (const one of few) if (!one.slow) await drive(one);
  await slow;
  const { child, finish } = net.start(['blocking', '127.0.0.1', closed]); // comes after all others
  await finish();
  const mark = String(child.pid);
  for (const peer of peers) {
    await until(`${peer.name} sees the mark`, () => new RegExp(`^(\\S+:\\S+ )?${mark} `, 'm').test(output(peer)));
    peer.running?.child.kill('SIGKILL');
  }
  for (const [tier, collector] of collectors) {
    await until('the mark', () => collector.lines().some((line) => line.includes(`"pid":${mark},`)));
    const { lines } = await collector.stop();
    const events = lines.map((line) => JSON.parse(line) as Connect | Outcome);
    const outcomes = new Map(events.flatMap((event) => (event.type === 'outcome' ? [[event.id, event] as const] : [])));
    const ours = events.flatMap((connect): Ours[] => {
      const name = connect.type === 'connect' && names.get(connect.pid);
      return name ? [{ connect: connect as Connect, outcome: outcomes.get(connect.id), name }] : [];
    });
    for (const peer of peers) comparison.sides[`${peer.name}, ${tier}`] = compare(peer, ours, names);
  }
} finally {
  for (const { running } of peers) {
    if (!running || running.child.exitCode !== null || running.child.signalCode !== null) continue;
    running.child.kill('SIGKILL');
    await once(running.child, 'exit');
  }
  for (const { child } of Collector.running) child.kill('SIGKILL');
  await Promise.all([net, narrow, held].map((place) => place.remove()));
}
console.log(JSON.stringify(comparison));
