/*
 * Runs in a guest: our collector, tcplife, tcpretrans and tcpdrop on the same connections. Prints one JSON object: what the
 * originals print that our events lack, by original and tier, and how many lines were compared.
 */
import { tiers } from '../../dist/collector/addon.js';
import type { Closed, Outcome } from '../../dist/index.js';
import { drive } from '../live/causes.js';
import { Collector, outcomes } from '../live/collect.js';
import { prepare } from '../live/drops.js';
import { endings } from '../live/endings.js';
import { link } from '../live/link.js';
import { closedIn, start as startLife } from '../live/lives.js';
import { until } from '../live/wait.js';
import { output, type Peer, start } from './originals.js';
import { Place } from './place.js';

export interface LifeComparison {
  /** Lines of each original about sockets that this machine connected. */
  lines: Record<string, number>;
  wrong: Record<string, string[]>;
}

const bpftrace = (tool: string): Peer => ({
  name: tool,
  command: ['bpftrace', '-B', 'line', `/usr/sbin/${tool}.bt`],
  fields: [],
  ready: () => false,
});
const life: Peer = { name: 'tcplife', command: ['stdbuf', '-oL', '/usr/sbin/tcplife'], fields: [] };
const retransmits = bpftrace('tcpretrans');
const drops = bpftrace('tcpdrop');
for (const peer of [retransmits, drops]) peer.ready = () => output(peer).includes('STATE');
life.ready = () => output(life).includes('LPORT');
const peers = [life, retransmits, drops];

/** A socket, by its ports. A failed attempt has released its local port. */
const keyOf = (lport: number, rport: number) => `${lport} ${rport}`;

/** Numbers of lines by socket, of a bpftrace tool that prints LADDR:LPORT RADDR:RPORT STATE. Leaves out closed sockets. */
function countLines(peer: Peer): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, lport, rport] of output(peer).matchAll(/:(\d+)\s+\S+:(\d+)\s+(?!CLOSE\b)[A-Z_0-9]+\s*$/gm)) {
    const key = keyOf(Number(lport), Number(rport));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return counts;
}

/** Our events by socket. */
function eventsOf(lines: string[]): Map<string, { outcome?: Outcome; closed?: Closed }> {
  const events = new Map<string, { outcome?: Outcome; closed?: Closed }>();
  for (const outcome of outcomes(lines)) events.set(keyOf(outcome.sport ?? 0, outcome.dport), { outcome });
  for (const closed of closedIn(lines)) {
    const key = keyOf(closed.sport ?? 0, closed.dport);
    events.set(key, { ...events.get(key), closed });
  }
  return events;
}

function compare(pids: ReadonlySet<number>, lines: string[], listening: ReadonlySet<number>): Record<string, string[]> {
  const events = eventsOf(lines);
  const wrong: Record<string, string[]> = { tcplife: [], tcpretrans: [], tcpdrop: [] };
  for (const text of output(life).split('\n')) {
    const words = text.trim().split(/\s+/);
    const [pid, , , lport, , rport, sent, received, ms] = [words[0], '', '', ...words.slice(-6)].map(
      Number,
    ) as number[];
    if (!pids.has(pid as number) || listening.has(lport as number)) continue;
    compared.tcplife = (compared.tcplife ?? 0) + 1;
    const { closed, outcome } = events.get(keyOf(lport as number, rport as number)) ?? {};
    if (!closed) {
      if (!outcome) wrong.tcplife?.push(`no event: ${text}`);
      continue;
    }
    // it counts the SYN or FIN as a byte and prints hundredths of a KiB; its time begins with the SYN, ours with the call; it
    // counts what was acknowledged, ours what was sent, which differs if the other side stopped answering
    const more = closed.bytes_sent - (sent as number) * 1024;
    const off = Math.max(
      closed.closed_by === 'timeout' ? -more : Math.abs(more),
      Math.abs(closed.bytes_received - (received as number) * 1024),
    );
    const [lived, latency] = [(closed.duration_us ?? 0) / 1000, (closed.latency_us ?? 0) / 1000];
    if (off > 12 || (ms as number) < lived - apart || (ms as number) > lived + latency + apart)
      wrong.tcplife?.push(`${closed.bytes_sent} B, ${closed.bytes_received} B, ${latency} + ${lived} ms: ${text}`);
  }
  for (const [peer, ours] of [
    [retransmits, ({ outcome, closed }) => (closed ? (closed.segs_retransmitted ?? 0) : (outcome?.retransmits ?? 0))],
    [drops, ({ outcome, closed }) => (closed ?? outcome)?.drop_count ?? 0],
  ] as [Peer, (of: { outcome?: Outcome; closed?: Closed }) => number][])
    for (const [key, count] of countLines(peer)) {
      if (!listening.has(Number(key.split(' ')[1]))) continue; // an accepted connection
      compared[peer.name] = (compared[peer.name] ?? 0) + count;
      const found = events.get(key);
      if (!found || ours(found) < count)
        wrong[peer.name]?.push(`${key}: ${count}, ours ${found ? ours(found) : 'none'}`);
    }
  return wrong;
}

/** How far apart two programs on one hook may see the same moment (ms): in between, the emulated CPU may have to wait. */
const apart = 10;
const compared: Record<string, number> = {};
const [net, other] = [new Place(), new Place()];
try {
  link(net, other);
  const rows = await prepare(net, other);
  const listening = new Set([8080, ...rows.map(({ command }) => command[2])]);
  await Promise.all(peers.map(start));
  const collectors = new Map<string, Collector>();
  for (const tier of tiers)
    collectors.set(tier, await Collector.start(['--drops', '--report', 'outcome,closed', '--tier', tier]));
  const pids = new Set<number>();
  for (const { pid } of await drive(net, rows)) pids.add(pid);
  for (const ending of endings) {
    const client = startLife(net, ending);
    pids.add(client.child.pid as number);
    await ending.meanwhile?.(client, net, [...collectors.values()][0] as Collector);
    if (!ending.killed) await client.finish();
  }
  const mark = startLife(net, { steps: 'cX sX' });
  await mark.finish();
  await until('tcplife sees the last one', () => new RegExp(`^${mark.child.pid} `, 'm').test(output(life)));
  for (const { running } of peers) running?.child.kill('SIGKILL');
  const all: LifeComparison = { lines: {}, wrong: {} };
  for (const [tier, collector] of collectors) {
    const { lines } = await collector.stop();
    for (const key of Object.keys(compared)) delete compared[key];
    for (const [name, list] of Object.entries(compare(pids, lines, listening))) all.wrong[`${name}, ${tier}`] = list;
  }
  all.lines = compared;
  console.log(JSON.stringify(all));
} finally {
  for (const { running } of peers) running?.child.kill('SIGKILL');
  for (const { child } of Collector.running) child.kill('SIGKILL');
  await Promise.all([net.remove(), other.remove()]);
}
