/*
 * Runs in a guest: our collector by its two better tiers, and the originals, side by side on the same attempts.
 * Prints one JSON object, a Comparison. SYNPIPE_VM_BCC=1: the bcc tool too, which takes minutes to start.
 */
import { once } from 'node:events';
import { release } from 'node:os';
import type { Connect, Outcome } from '../../dist/index.js';
import { Collector } from '../live/collect.js';
import { until } from '../live/wait.js';
import { type Case, closed, setUp } from './cases/case.js';
import { cases } from './cases.js';
import { output, type Peer, parse, peers, start } from './originals.js';
import { Place } from './place.js';

/** By peer and tier. */
export interface Side {
  lines: number;
  /** Lines that are not among our events. */
  unmatched: string[];
  /** What it does not print: by reason, the cases with their number of attempts. */
  omitted: Record<string, Record<string, number>>;
  /** Ours and its latencies in µs, pair by pair. */
  latencies: [number, number][];
}
export interface Comparison {
  kernel: string;
  sides: Record<string, Side>;
}

interface Ours {
  connect: Connect;
  outcome: Outcome | undefined;
  name: string;
}

/** Why a peer has no line of an attempt; undefined: it should have one. */
function reason({ name }: Peer, { connect, outcome }: Ours): string | undefined {
  if (!connect.sport) return 'failed before a SYN';
  if (!name.endsWith('tcpconnlat')) return undefined;
  if (outcome?.result === 'timeout' || outcome?.result === 'aborted') return 'nothing came back';
  if (outcome?.result === 'unreachable') return 'answered by ICMP';
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
    // where there is no call that we see, ours is counted from the SYN
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

const net = new Place();
const narrow = new Place();
const collectors = new Map<string, Collector>();
const comparison: Comparison = { kernel: release(), sides: {} };
try {
  await setUp(net, narrow);
  await Promise.all(peers.map(start));
  for (const tier of ['fentry', 'kprobe'])
    collectors.set(tier, await Collector.start(['--tier', tier, '--report', 'both']));

  const names = new Map<number, string>();
  const drive = async ({ run, name }: Case) => {
    const { pids } = await (typeof run === 'function' ? run(net, narrow) : net.drive(run));
    for (const pid of pids) names.set(pid, name);
  };
  const few = cases.filter(({ ends }) => ends.length < 100);
  const slow = Promise.all(few.filter(({ slow }) => slow).map(drive));
  for (const one of few) if (!one.slow) await drive(one);
  await slow;
  const { child, finish } = net.start(['blocking', '127.0.0.1', closed]); // behind all others
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
  await Promise.all([net.remove(), narrow.remove()]);
}
console.log(JSON.stringify(comparison));
