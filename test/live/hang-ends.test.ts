import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import {
  type AttemptEvent,
  attemptEvents,
  eventsByAttempt,
  ledger,
  micros,
  sequenceOf,
  startOf,
} from './attempt-events.js';
import { client } from './client.js';
import { Collector } from './collect.js';
import { onExit } from './folder.js';
import { linesOf } from './hang.js';
import { addresses, families, waiting, wake } from './link.js';
import { linked } from './linked.js';
import type { Net } from './net.js';
import { Pipeline } from './pipeline.js';
import { trace } from './traced.js';
import { until } from './wait.js';

const [port, closed] = [8080, 9];
const silent = addresses[4].silent;
const here = '127.0.0.1';
const refused = 'refused ECONNREFUSED';

/** Starts clients that hang, and waits until they do. */
async function hang(net: Net, ...commands: (string | number)[][]) {
  const before = waiting(net).size;
  const all = commands.map((command) => net.start(command).child);
  await until('they hang', () => waiting(net).size === before + all.length);
  return all.map(({ pid }) => pid as number);
}

const sequenceOfPid = (lines: string[], pid: number) =>
  sequenceOf(eventsByAttempt(lines).find(([event]) => event?.pid === pid) ?? []);
const pendings = (lines: string[], pid: number) =>
  attemptEvents(lines).filter((event) => event.type === 'pending' && event.pid === pid) as (AttemptEvent & {
    waited_us: number;
  })[];

const modes = (['outcome', 'both', 'attempt'] as const).flatMap((report) =>
  (['once', 'repeat', 'off'] as const).map((pending) => ({ report, pending })),
);
type Mode = (typeof modes)[number];

/** The expected events of an attempt that waits to the end. With `repeat` there are several pending events. */
function open({ report, pending }: Mode, existing: boolean): RegExp {
  const connect = report === 'attempt' ? (existing ? '' : 'connect') : report === 'both' ? 'connect, ' : '';
  if (report === 'attempt') return new RegExp(`^${connect}$`);
  if (pending === 'off') return report === 'both' ? /^connect$/ : /^$/;
  return new RegExp(`^${connect}pending(, pending)${pending === 'once' ? '' : '{2,9}'}$`);
}

linked('each mode, ended by SIGINT, SIGTERM or -n, writes the right lines for each attempt', async (net) => {
  const [early] = (await hang(net, ['hanging', silent, port])) as [number];
  const stops = ['SIGINT', 'SIGTERM', '-n'] as const;
  const count = 3;
  const all = [];
  for (const [i, mode] of modes.entries()) {
    const stop = stops[(i + Math.floor(i / 3)) % 3] as (typeof stops)[number];
    // with attempts only, the late attempt counts towards -n, and the early one, made before the start, does not
    const limit = stop === '-n' ? ['-n', count + (mode.report === 'attempt' ? 1 : 0)] : [];
    const pending = mode.report === 'attempt' ? [] : ['--pending', mode.pending]; // --pending needs outcomes
    const args = ['--netns', net.inode, '--report', mode.report, ...pending, ...limit];
    all.push({ mode, stop, collector: await Collector.start(args) });
  }
  const [late] = (await hang(net, ['nonblocking', silent, port])) as [number];
  const last = all.find(({ mode }) => mode.report === 'outcome' && mode.pending === 'repeat')?.collector as Collector;
  await until('pending was repeated after 4 s', () => pendings(last.lines(), late).length >= 3);
  for (const { mode, collector } of all)
    if (mode.report !== 'outcome')
      await until('its connect', () => sequenceOfPid(collector.lines(), late).startsWith('connect'));
  const done: number[] = [];
  for (let i = 0; i < count; i++) done.push((await net.client(['blocking', here, closed])).attempts[0]?.pid as number);
  for (const { mode, stop, collector } of all) {
    const what = JSON.stringify({ ...mode, stop });
    const { code, stderr, lines } = stop === '-n' ? await ended(collector) : await collector.stop(stop);
    const attempts = mode.report === 'attempt';
    assert.deepEqual({ code, stderr }, { code: 0, stderr: attempts ? '' : 'collector: 2 attempts still open\n' }, what);
    const { lost, lostUpdates, open: still, attempts: sum } = ledger(lines, mode.report);
    const expected = attempts ? [count + 1, 0] : [count + 2, 2];
    assert.deepEqual(
      { sum, still, lost, lostUpdates },
      { sum: expected[0], still: expected[1], lost: 0, lostUpdates: 0 },
      what,
    );
    assert.match(sequenceOfPid(lines, early), open(mode, true), what);
    assert.match(sequenceOfPid(lines, late), open(mode, false), what);
    for (const pid of done) {
      const words = { attempt: 'connect ECONNREFUSED', outcome: refused, both: `connect ECONNREFUSED, ${refused}` };
      assert.equal(sequenceOfPid(lines, pid), words[mode.report], what);
    }
    if (mode.pending !== 'repeat' || attempts) continue;
    const waited = pendings(lines, late).map(({ waited_us }) => waited_us / 1e6);
    for (const [i, seconds] of [1, 2, 4].entries())
      assert.ok((waited[i] as number) >= seconds, `${what}: looked at after ${waited} s`);
  }
});

async function ended(collector: Collector) {
  await collector.ended;
  return collector.stop();
}

linked('--duration ends it, and open attempts are reported', async (net) => {
  const [early] = (await hang(net, ['hanging', silent, port])) as [number];
  const collector = await Collector.start(['--netns', net.inode, '--duration', 2]);
  const { code, stderr } = await collector.ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: 'collector: 1 attempt still open\n' });
  const { lines } = await collector.stop();
  assert.equal(sequenceOfPid(lines, early), 'pending, pending');
  const { attempts, open, lost } = ledger(lines);
  assert.deepEqual({ attempts, open, lost }, { attempts: 1, open: 1, lost: 0 });
});

linked('--report attempt: a call that blocks is reported before its SYN is sent again', async (net) => {
  const collector = await Collector.start(['--netns', net.inode, '--report', 'attempt']);
  const child = net.start(['hanging', silent, port]).child;
  const began = linesOf(child);
  await until('its line', () => attemptEvents(collector.lines()).length > 0);
  const timer = net.run('ss', '-tnoH', 'state', 'syn-sent');
  assert.match(timer, /timer:\(on,[^,]*,0\)/);
  const { lines, stderr } = await collector.stop();
  const [event] = attemptEvents(lines) as [AttemptEvent];
  assert.ok(micros(event.ts) >= (began[0]?.began as number) - 1000, 'not before the call');
  assert.deepEqual([event.pid, event.saddr, typeof event.sport, stderr], [child.pid, addresses[4].own, 'number', '']);
  ledger(lines, 'attempt');
});

linked('-- COMMAND: an attempt that hangs is pending, then its outcome is reported', async (net) => {
  net.sysctl('ipv4/tcp_syn_retries', '1');
  const run = trace(net, ['--status', '--report', 'both', '--', client(), 'blocking', silent, port]);
  assert.equal(await run.ended, 0, run.stderr());
  assert.deepEqual(eventsByAttempt(run.lines()).map(sequenceOf), ['connect, pending, timeout ETIMEDOUT']);
  const { attempts, open, lost } = ledger(run.lines(), 'both');
  assert.deepEqual({ attempts, open, lost }, { attempts: 1, open: 0, lost: 0 });
});

linked("a socket that belongs to no process, in the collector's namespace", async (net, other) => {
  await other.serve(port);
  const { child } = net.start(['unowned', silent, port]);
  const own = linesOf(child);
  await until('the descriptor is in flight', () => own.some(({ then }) => then === 'ok'));
  const run = trace(net, ['--status', '--netns', net.inode]);
  await until('its line', () => attemptEvents(run.lines()).length > 0);
  wake(net, 4);
  await until('its end', () => attemptEvents(run.lines()).length > 1);
  run.child.kill();
  assert.equal(await run.ended, 0, run.stderr());
  const [[pending, outcome]] = eventsByAttempt(run.lines()) as [[AttemptEvent, AttemptEvent]];
  for (const event of [pending, outcome]) {
    const { pid, comm, netns, daddr, dport, existing } = event as AttemptEvent & { existing?: true };
    const expected = { pid: undefined, comm: undefined, netns: net.inode, daddr: silent, dport: port, existing: true };
    assert.deepEqual({ pid, comm, netns, daddr, dport, existing }, expected);
  }
  assert.equal(sequenceOf([pending, outcome]), 'pending, established');
  assert.ok(Math.abs(micros(startOf(pending) as string) - (own[0]?.began as number)) < 1e6);
  ledger(run.lines());
});

linked(
  "dropped by this host's own firewall: pending, then established once the firewall lets it through",
  async (net, other) => {
    await other.serve(port);
    for (const family of families) wake(net, family);
    net.run('nft', 'add table inet t');
    net.run('nft', 'add chain inet t out { type filter hook output priority 0; }');
    net.run('nft', `add rule inet t out tcp dport ${port} drop`);
    const collector = await Collector.start(['--netns', net.inode, '--report', 'both']);
    const commands = families.flatMap((family) =>
      ['hanging', 'nonblocking'].map((how) => [how, addresses[family].silent, port]),
    );
    const pids = await hang(net, ...commands);
    await until('they are pending', () => pids.every((pid) => pendings(collector.lines(), pid).length));
    net.run('nft', 'flush chain inet t out');
    await until(
      'they are through',
      () => attemptEvents(collector.lines()).filter(({ type }) => type === 'outcome').length === 4,
    );
    const { lines, stderr } = await collector.stop();
    assert.equal(stderr, '');
    for (const pid of pids) assert.equal(sequenceOfPid(lines, pid), 'connect, pending, established');
    for (const event of attemptEvents(lines))
      if (event.type === 'outcome') assert.ok((event.retransmits ?? 0) > 0, JSON.stringify(event));
    ledger(lines, 'both');
  },
);

/** Makes a cgroup for the test. Returns its path and ID. */
function cgroup(): string {
  const mount = readFileSync('/proc/mounts', 'utf8').match(/^\S+ (\S+) cgroup2 /m)?.[1] as string;
  const path = `${mount}/synpipe-hang-${process.pid}`;
  mkdirSync(path);
  onExit(() => rmdirSync(path));
  return path;
}

linked('filters apply to attempts that waited before the start, and to later pending events', async (net, other) => {
  const uid = 1_300_000 + process.pid;
  const group = cgroup();
  const start = async (address: string, dport: number, as?: number, inside?: string) => {
    const { child } = net.start(['wait', 'hanging', address, dport], as);
    if (inside) writeFileSync(`${inside}/cgroup.procs`, String(child.pid));
    child.stdin?.write('\n');
    await until('it hangs', () => waiting(net).has(child.pid as number));
    return child;
  };
  const inner = `${group}/inner`;
  mkdirSync(inner);
  onExit(() => rmdirSync(inner));
  const batch = async () => [
    await start(silent, port),
    await start(addresses[6].silent, port),
    await start(silent, port + 1),
    await start(silent, port, uid),
    await start(silent, port, undefined, group),
    await start(silent, port, undefined, inner),
  ];
  const before = await batch();
  const pid = before[0]?.pid as number;
  const filters: [string, (string | number)[], number[]][] = [
    ['-p', ['-p', pid], [0]],
    ['-u', ['-u', uid], [3]],
    ['-P', ['-P', port + 1], [2]],
    ['-4', ['-4'], [0, 2, 3, 4, 5]],
    ['-6', ['-6'], [1]],
    ['--cgroup', ['--cgroup', group], [4, 5]],
    ['-4 -P', ['-4', '-P', port], [0, 3, 4, 5]],
    ['another namespace', ['--netns', other.inode], []],
  ];
  const all = [];
  for (const [name, args, which] of filters) {
    const scope = args[0] === '--netns' ? [] : ['--netns', net.inode];
    all.push({ name, which, collector: await Collector.start([...scope, ...args]) });
  }
  const during = await batch();
  for (const { name, which, collector } of all) {
    const want = [
      ...which.map((at) => before[at]?.pid),
      ...(name === '-p' ? [] : which.map((at) => during[at]?.pid)),
    ].sort();
    const seen = () =>
      attemptEvents(collector.lines())
        .map((event) => event.pid)
        .sort();
    await until(`${name}: all attempts that pass`, () => seen().length >= want.length);
    assert.deepEqual(seen(), want, name);
    const { stderr, lines } = await collector.stop();
    const open = want.length;
    assert.equal(stderr, open ? `collector: ${open} ${open === 1 ? 'attempt' : 'attempts'} still open\n` : '', name);
    assert.deepEqual(
      [ledger(lines).open, eventsByAttempt(lines).map(sequenceOf)],
      [open, want.map(() => 'pending, pending')],
      name,
    );
  }
  for (const child of [...before, ...during]) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
});

const pidOf = (words: string) =>
  Number(
    readdirSync('/proc').find((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
        return line[1]?.endsWith('/collector') && line.join(' ').includes(words);
      } catch {
        return false;
      }
    }),
  );

for (const [reader, says] of [
  ['cat', 'collector: 2 attempts still open\n'],
  ['filter', ''],
  ['synpipe filter', ''],
])
  linked(`open attempts are reported on stderr, unless a stage follows: | ${reader}`, async (net) => {
    await hang(net, ['hanging', silent, port], ['nonblocking', silent, port]);
    const words = `--netns ${net.inode}`;
    const pipeline = new Pipeline(`collector ${words} | ${reader} >out.ndjson`);
    await until('both lines', () => pipeline.text().split('\n').length === 3);
    process.kill(pidOf(words), 'SIGTERM');
    await pipeline.ended;
    assert.equal(pipeline.stderr, says);
    assert.deepEqual(
      eventsByAttempt(pipeline.text().split('\n').slice(0, -1)).map(sequenceOf),
      Array(2).fill('pending, pending'),
    );
  });
