import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Collector } from './collect.js';
import { addresses, type Family, families, wake } from './link.js';
import { linesOf, linked, waiting } from './linked.js';
import type { Net } from './net.js';
import { inWords, ledger, micros, startOf, stories, type Told, told } from './story.js';
import { until } from './wait.js';

const port = 8080;
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
  /** When it was seen to wait. */
  seen: number;
}

const silent = (family: Family) => addresses[family].silent;

/** Clients that hang, each a process, when they do. What this machine cannot do is left out. */
async function hang(net: Net, of: readonly Family[], these: typeof ways | (typeof ways)[number][] = ways) {
  const all: Hanging[] = of.flatMap((family) =>
    these.map(([command, via]) => {
      const { child } = net.start([...command, silent(family), port]);
      return { way: command.join(' '), via, family, child, lines: linesOf(child), seen: 0 };
    }),
  );
  await until('they hang', () => {
    const now = waiting(net);
    for (const one of all) one.seen ||= now.has(one.child.pid as number) || one.via === 'mptcp' ? Date.now() * 1000 : 0;
    return all.every(({ seen, child }) => seen || child.exitCode !== null) && now.size >= all.filter(runs).length;
  });
  return all.filter(runs);
}
const runs = ({ child }: Hanging) => child.exitCode === null && child.signalCode === null;

/** But for what is cut off of nanoseconds. */
const near = (a: number, b: number) => Math.abs(a - b) <= 1;

/** The story of each, by its process; there are no others. */
function byProcess(lines: string[], clients: Hanging[]): Map<Hanging, Told[]> {
  const all = stories(lines);
  const found = new Map(clients.map((one) => [one, all.find(([event]) => event?.pid === one.child.pid) ?? []]));
  assert.equal(all.length, clients.length, `each has one id: ${all.map(inWords)}`);
  return found;
}

for (const report of ['outcome', 'both'] as const)
  linked(`before, during and after the collector's life, ended well or not: --report ${report}`, async (net, other) => {
    await other.serve(port);
    const before = await hang(net, families);
    const retransmitted = Math.max(...before.map(({ seen }) => seen)) + 5_000_000;
    await until('5 s have passed', () => Date.now() * 1000 > retransmitted);
    const ports = waiting(net);
    const collector = await Collector.start(['--netns', net.inode, '--report', report]);
    const during = await hang(net, families);
    for (const [pid, sport] of waiting(net)) ports.set(pid, sport);
    const clients = [...before, ...during];
    const pendings = () => told(collector.lines()).filter(({ type }) => type === 'pending').length;
    await until('each is pending', () => pendings() === clients.length);
    for (const { child } of clients.filter(({ way, family }) => way === 'hanging' && family === 6)) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    wake(net, other, 4);
    await until('IPv4 answers', () => clients.every((one) => one.family === 6 || !runs(one)));
    const { code, stderr, lines } = await collector.stop('SIGINT');
    const open = clients.filter(runs).length;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: `collector: ${open} attempts still open\n` });
    const count = ledger(lines, report);
    assert.deepEqual([count.attempts, count.open, count.lost, count.lostUpdates], [clients.length, open, 0, 0]);
    const prefix = report === 'both' ? 'connect, ' : '';
    const waits: number[] = [];
    for (const [client, story] of byProcess(lines, clients)) {
      const { way, via, family, child } = client;
      const existed = before.includes(client);
      const killed = way === 'hanging' && family === 6;
      const end = killed ? 'aborted' : family === 6 ? 'pending' : 'established';
      const what = `${way}, IPv${family}${existed ? ', before' : ''}`;
      assert.equal(inWords(story), `${prefix}pending, ${end}`, what);
      const pending = story.find(({ type }) => type === 'pending') as Told & { type: 'pending' };
      assert.deepEqual(
        [pending.daddr, pending.dport, pending.netns, pending.family, pending.comm, pending.pcomm],
        [
          silent(family),
          port,
          net.inode,
          family,
          way.startsWith('thread') && !existed ? 'worker' : pending.comm,
          'client',
        ],
        what,
      );
      assert.equal(pending.via, existed && via !== 'mptcp' ? 'connect' : via, what);
      const sport = ports.get(child.pid as number);
      assert.ok(pending.sport && (!sport || pending.sport === sport), `${what}: port ${pending.sport}, not ${sport}`);
      for (const event of story)
        assert.equal((event as { existing?: true }).existing, existed && event.type !== 'connect' ? true : undefined);
      const [start, began] = [micros(startOf(pending)), client.lines[0]?.began];
      if (began)
        assert.ok(start >= began - 20_000 && start <= client.seen + 20_000, `${what}: ${start - began} µs after it`);
      assert.ok(near(pending.waited_us, micros(pending.ts) - start), JSON.stringify(pending));
      if (existed) assert.ok(pending.waited_us > 5_000_000 && (pending.retransmits ?? 0) >= 4, what);
      else waits.push(pending.waited_us);
      const last = story.at(-1) as Told & { latency_us?: number; waited_us?: number; retransmits?: number };
      if (end !== 'aborted') assert.ok((last.retransmits ?? 0) >= 1, what);
      if (last.type === 'outcome')
        assert.ok(near(last.latency_us as number, micros(last.ts) - start), JSON.stringify(last));
    }
    assert.ok(Math.min(...waits) >= 1_000_000 && Math.min(...waits) <= 1_200_000, `first seen after ${waits} µs`);
  });
