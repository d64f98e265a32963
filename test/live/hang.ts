import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  type AttemptEvent,
  attemptEvents,
  eventsByAttempt,
  ledger,
  micros,
  sequenceOf,
  startOf,
} from './attempt-events.js';
import { Collector } from './collect.js';
import { addresses, type Family, families, waiting, wake } from './link.js';
import type { Net } from './net.js';
import { until } from './wait.js';

export const port = 8080;
const worker = Buffer.from('worker').toString('hex');
/** Ways to wait for an answer: the client's command, and the field `via`. */
const ways = [
  [['hanging'], 'connect'],
  [['nonblocking'], 'connect'],
  [['thread', worker], 'connect'],
  [['uring', 'inline'], 'io_uring'],
  [['uring', 'async'], 'io_uring'],
  [['mptcp'], 'mptcp'],
  [['fast-open'], 'sendmsg'],
] as const;

interface Hanging {
  way: string;
  via: string;
  family: Family;
  child: ChildProcess;
  lines: ReturnType<typeof linesOf>;
  /** When it was seen waiting, in microseconds. */
  seen: number;
}

/** Returns the client's lines, appended as they arrive. */
export function linesOf(child: ChildProcess): { began?: number; ended?: number; then?: string }[] {
  const lines: ReturnType<typeof linesOf> = [];
  let rest = '';
  child.stdout?.on('data', (text) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() as string;
    lines.push(...parts.map((part) => JSON.parse(part)));
  });
  return lines;
}

const silent = (family: Family) => addresses[family].silent;
const runs = ({ child }: Hanging) => child.exitCode === null && child.signalCode === null;

/** Starts hanging clients, one process each, and waits until they hang. Leaves out what this machine cannot do. */
async function hang(net: Net): Promise<Hanging[]> {
  const before = waiting(net).size;
  const all: Hanging[] = families.flatMap((family) =>
    ways.map(([command, via]) => {
      const { child } = net.start([...command, silent(family), port]);
      return { way: command.join(' '), via, family, child, lines: linesOf(child), seen: 0 };
    }),
  );
  await until('they hang', () => {
    const now = waiting(net);
    for (const one of all) if (now.has(one.child.pid as number)) one.seen ||= Date.now() * 1000;
    return now.size === before + all.filter(runs).length;
  });
  return all.filter(runs);
}

/** Equal, apart from the nanoseconds that are cut off. */
const near = (a: number, b: number) => Math.abs(a - b) <= 1;

/** Returns the events of each client's attempt. Asserts that there is no other attempt. */
function byProcess(lines: string[], clients: Hanging[]): Map<Hanging, AttemptEvent[]> {
  const all = eventsByAttempt(lines);
  assert.equal(all.length, clients.length, `each has one id: ${all.map(sequenceOf)}`);
  return new Map(clients.map((one) => [one, all.find(([event]) => event?.pid === one.child.pid) ?? []]));
}

/** Which attempts a collector saw, and how. */
interface Seen {
  report: 'outcome' | 'both';
  before: Hanging[];
  during: Hanging[];
  /** The known local ports, by process. */
  ports: Map<number, number>;
}

/** In the end IPv4 is answered and IPv6 is not. These are killed. */
const isKilled = ({ way, family }: Hanging) => way === 'hanging' && family === 6;

function check(lines: string[], { report, before, during, ports }: Seen): void {
  const clients = [...before, ...during];
  const { attempts, open, lost, lostUpdates } = ledger(lines, report);
  assert.deepEqual(
    { attempts, open, lost, lostUpdates },
    { attempts: clients.length, open: clients.filter(runs).length, lost: 0, lostUpdates: 0 },
  );
  const waits: number[] = [];
  for (const [client, events] of byProcess(lines, clients)) {
    const { way, via, family, child } = client;
    const existed = before.includes(client);
    const what = `${way}, IPv${family}${existed ? ', before' : ''}`;
    const end = isKilled(client) ? 'aborted' : family === 6 ? 'pending' : 'established';
    assert.equal(sequenceOf(events), `${report === 'both' ? 'connect, ' : ''}pending, ${end}`, what);
    const pending = events.find(({ type }) => type === 'pending') as AttemptEvent & { type: 'pending' };
    const { daddr, dport, comm, pcomm } = pending;
    assert.deepEqual({ daddr, dport, pcomm }, { daddr: silent(family), dport: port, pcomm: 'client' }, what);
    if (way.startsWith('thread')) assert.equal(comm, existed ? 'client' : 'worker');
    assert.equal(pending.via, existed && via !== 'mptcp' ? 'connect' : via, what);
    const sport = ports.get(child.pid as number);
    assert.ok(pending.sport && (!sport || pending.sport === sport), `${what}: port ${pending.sport}, not ${sport}`);
    for (const event of events)
      if (event.type !== 'connect') assert.equal(event.existing, existed ? true : undefined, what);
    const [start, began] = [micros(startOf(pending) as string), client.lines[0]?.began];
    if (began && client.seen)
      assert.ok(
        start >= began - 20_000 && start <= client.seen + 20_000,
        `${what}: ${start - began} µs after the call`,
      );
    assert.ok(near(pending.waited_us, micros(pending.ts) - start), JSON.stringify(pending));
    if (existed) assert.ok(pending.waited_us > 5_000_000 && (pending.retransmits ?? 0) >= 2, what);
    else waits.push(pending.waited_us);
    const last = events.at(-1) as AttemptEvent & { latency_us?: number; retransmits?: number };
    if (end !== 'aborted') assert.ok((last.retransmits ?? 0) >= 1, what);
    if (last.type === 'outcome')
      assert.ok(near(last.latency_us as number, micros(last.ts) - start), JSON.stringify(last));
  }
  const first = Math.min(...waits);
  assert.ok(first >= 1_000_000 && first <= 1_200_000, `after ${waits} µs`);
}

/**
 * Makes attempts that hang before and while collectors run, in every way. Then some are killed, some are answered, and
 * some are open when the collectors end. `answer` makes IPv4 be answered. Returns how many attempts each collector saw.
 */
export async function hangAround(
  net: Net,
  all: readonly { report: 'outcome' | 'both'; args: readonly string[] }[],
  answer: () => void = () => wake(net, 4),
): Promise<number> {
  const before = await hang(net);
  const late = Math.max(...before.map(({ seen }) => seen)) + 5_000_000;
  await until('5 s have passed', () => Date.now() * 1000 > late);
  const ports = waiting(net);
  const collectors: { report: 'outcome' | 'both'; collector: Collector }[] = [];
  for (const { report, args } of all) {
    const collector = await Collector.start(['--netns', net.inode, '--report', report, ...args]);
    collectors.push({ report, collector });
  }
  const during = await hang(net);
  for (const [pid, sport] of waiting(net)) ports.set(pid, sport);
  const clients = [...before, ...during];
  for (const { collector } of collectors)
    await until('each is pending', () => {
      const pending = attemptEvents(collector.lines()).filter(({ type }) => type === 'pending');
      return pending.length === clients.length;
    });
  for (const { child } of clients.filter(isKilled)) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  answer();
  await until('IPv4 is answered', () => clients.every((one) => one.family === 6 || !runs(one)));
  const open = clients.filter(runs).length;
  for (const { report, collector } of collectors) {
    const { code, stderr, lines } = await collector.stop('SIGINT');
    assert.deepEqual({ code, stderr }, { code: 0, stderr: `collector: ${open} attempts still open\n` });
    check(lines, { report, before, during, ports });
  }
  return clients.length;
}
