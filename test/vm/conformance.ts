/*
 * Runs on the machine that is to be examined: all tiers that work here watch the same attempts. Prints one JSON
 * object, a Report. Needs the compiled client's path in SYNPIPE_VM_CLIENT.
 */
import { release } from 'node:os';
import { type Tier, tiers } from '../../dist/collector/addon.js';
import type { Connect, Outcome } from '../../dist/index.js';
import { Collector, lostIn, statuses } from '../live/collect.js';
import { until } from '../live/wait.js';
import { black, type Case, closed, open, setUp } from './cases/case.js';
import { cases } from './cases.js';
import { difference, expected, pairs, strip } from './expect.js';
import { Place, type Ran } from './place.js';

export interface Report {
  kernel: string;
  /** Why a tier does not work here. */
  missing: { [tier in Tier]?: string };
  /** By case and tier: `=`, what is documented to be less, `cannot: …`, or `wrong: …`. */
  table: Record<string, { [tier in Tier]?: string }>;
}

const report: Report = { kernel: release(), missing: {}, table: {} };
/** With --report both, and without: where the end is not to be told, the programs go another way. */
const collectors = new Map<Tier, Collector>();
const byDefault = new Map<Tier, Collector>();
const net = new Place();
const narrow = new Place();

async function attach(tier: Tier): Promise<void> {
  try {
    const scope = `--netns=${net.inode},${narrow.inode}`;
    collectors.set(tier, await Collector.start(['--tier', tier, '--report', 'both', scope]));
    byDefault.set(tier, await Collector.start(['--tier', tier, scope]));
  } catch (error) {
    report.missing[tier] = (error as Error).message.trim().replace(/^it ended: collector: /, '');
  }
}

const pidOf = (line: string) => Number(/"pid":(\d+)/.exec(line)?.[1]);
const ran = new Map<Case, Ran>();
/** Processes whose events are known, but judged by nobody. */
const aside = new Set<number>();

/**
 * What a timer ends is driven again, twice at most, where that was not seen, but for a guest: a sandbox's kernel may run
 * no BPF program while its own process 1 is current, not even for a timer that comes just then.
 */
async function drive(one: Case): Promise<void> {
  for (let tries = one.slow && !process.env.SYNPIPE_VM_GUEST ? 3 : 1; tries > 0; tries--) {
    const which = await (typeof one.run === 'function' ? one.run(net, narrow) : net.drive(one.run));
    ran.set(one, which);
    if (tries === 1 || (await ended(which))) return;
    for (const pid of which.pids) aside.add(pid);
  }
}

async function ended({ pids }: Ran): Promise<boolean> {
  aside.add(await mark());
  return [...collectors.values()].every((collector) => {
    const byPid = eventsByPid(collector);
    const types = [...pids].flatMap((pid) => byPid.get(pid) ?? []).map(({ type }) => type);
    return types.filter((type) => type === 'connect').length * 2 === types.length;
  });
}

/** Until here: the events of an attempt that is made now come after all others. */
async function mark(): Promise<number> {
  const { child, finish } = net.start(['blocking', '127.0.0.1', closed]);
  await finish();
  const has = (collector: Collector | undefined, type: string) =>
    collector?.lines().some((line) => line.startsWith(`{"type":"${type}"`) && pidOf(line) === child.pid) ?? false;
  for (const tier of collectors.keys()) {
    const there = () => has(collectors.get(tier), 'outcome') && has(byDefault.get(tier), 'connect');
    await until(`the mark, ${tier}`, there);
  }
  return child.pid as number;
}

/** Connects and outcomes by process, in their order. */
function eventsByPid(collector: Collector | undefined): Map<number, (Connect | Outcome)[]> {
  const byPid = new Map<number, (Connect | Outcome)[]>();
  for (const line of collector?.lines() ?? []) {
    if (!/^{"type":"(connect|outcome)"/.test(line)) continue;
    const event = JSON.parse(line) as Connect | Outcome;
    if (event.pid !== undefined) byPid.set(event.pid, [...(byPid.get(event.pid) ?? []), event]);
  }
  return byPid;
}
type Events = ReturnType<typeof eventsByPid>;

const inOrder = (events: object[]) =>
  events
    .map((event) => JSON.stringify(event))
    .sort()
    .join(' ');

/** What the first tier tells of a case. */
const first = new Map<Case, string>();
function judge(one: Case, { pids, said }: Ran, tier: Tier, both: Events, alone: Events): string {
  if (said.unavailable) return `cannot: ${said.unavailable}`;
  try {
    const of = (events: Events) => [...pids].flatMap((pid) => events.get(pid) ?? []).sort((a, b) => a.seq - b.seq);
    const wanted = said.attempts.flatMap((attempt, i) => expected(one, attempt, i, tier) ?? []);
    const actual = pairs(of(both));
    const wrong = difference(actual, wanted);
    const [connects, same] = [actual.map(({ connect }) => connect), of(alone).map(strip)].map(inOrder);
    if (connects !== same) wrong.push(`without --report otherwise: ${connects} ${same}`);
    if (!one.less?.[tier]) {
      // what the client cannot know is the same for all tiers at least
      const exact = JSON.stringify(actual.map(({ connect, outcome }) => [connect, outcome]));
      if (exact !== (first.get(one) ?? exact)) wrong.push(`another tier tells otherwise: ${first.get(one)} ${exact}`);
      first.set(one, exact);
    }
    if (said.attempts.length !== one.ends.length) wrong.push(`the client made ${said.attempts.length} attempts`);
    return wrong.length > 0 ? `wrong: ${wrong.join('; ')}` : (one.less?.[tier] ?? '=');
  } catch (error) {
    return `wrong: ${(error as Error).message}`;
  }
}

const set = (name: string, tier: Tier, verdict: string) => {
  report.table[name] ??= {};
  const before = report.table[name][tier];
  report.table[name][tier] = before?.startsWith('wrong') ? before : verdict;
};

function judgeAll(): void {
  for (const [tier, collector] of collectors) {
    const [both, alone] = [eventsByPid(collector), eventsByPid(byDefault.get(tier))];
    for (const [one, which] of ran) set(one.name, tier, judge(one, which, tier, both, alone));
    const known = new Set([...aside, ...[...ran.values()].flatMap(({ pids }) => [...pids])]);
    const stray = [...both, ...alone].flatMap(([pid, events]) => (known.has(pid) ? [] : events.map(({ id }) => id)));
    const lost = lostIn(collector.lines());
    const all = [...(lost ? [`${lost} lost`] : []), ...stray];
    set('no other event, none lost', tier, all.length ? `wrong: ${all.slice(0, 3)}` : '=');
  }
}

/** As fast as it can, by two threads. Each attempt is one or two events, told or counted as lost. */
async function burst(): Promise<void> {
  const { child, finish } = net.start(['burst', 2, 2500, '127.0.0.1', open]);
  const { attempts } = await finish();
  // both outlive the collectors: one has returned, one is told by their end
  const last = [
    narrow.start(['nonblocking', '127.0.0.1', black]),
    net.start(['blocking', '127.0.0.1', black]),
  ] as const;
  await until('one waits', () => narrow.run('ss', '-tnH', 'state', 'syn-sent').includes(':40000 '));
  await until('the other waits', () => net.run('ss', '-tnH', 'state', 'syn-sent').includes(`:${black}`));
  const ending = [...collectors, ...byDefault].map(async ([tier, collector], i) => {
    const events = i < collectors.size ? 2 : 1;
    return { tier, events, lines: (await collector.stop()).lines };
  });
  for (const { tier, events, lines } of await Promise.all(ending)) {
    const own = lines.filter((line) => line.startsWith('{"type":"connect"') || line.startsWith('{"type":"outcome"'));
    const told = (pid = child.pid) => own.filter((line) => pidOf(line) === pid).length;
    const [lost, end] = [lostIn(lines), statuses(lines).at(-1)];
    const all = JSON.stringify(end);
    const wrong = told() + lost !== events * attempts.length || end?.lost !== lost || end.out !== own.length;
    set('burst of 5,000: told + lost = attempts', tier, wrong ? `wrong: ${told()} + ${lost} lost, ${all}` : '=');
    const open = last.map(({ child }) => told(child.pid)).join() === '1,1' && (end?.pending ?? 0) === (events - 1) * 2;
    set('still open at the end: pending', tier, open ? '=' : `wrong: ${JSON.stringify(own.slice(-3))}, ${all}`);
  }
  for (const { child, finish } of last) {
    child.kill('SIGKILL');
    await finish().catch(() => {});
  }
}

try {
  await setUp(net, narrow);
  await Promise.all(tiers.map(attach));
  const slow = Promise.all(cases.filter(({ slow }) => slow).map(drive));
  for (const one of cases) if (!one.slow) await drive(one);
  await slow;
  aside.add(await mark());
  judgeAll();
  for (const place of [net, narrow]) place.sysctl('ipv4/tcp_syn_retries', '6');
  await burst();
} finally {
  for (const { child } of Collector.running) child.kill('SIGKILL');
  await Promise.all([net.remove(), narrow.remove()]);
}
console.log(JSON.stringify(report));
