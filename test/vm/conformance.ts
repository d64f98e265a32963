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
import { difference, expected, pairs } from './expect.js';
import { Place, type Ran } from './place.js';

export interface Report {
  kernel: string;
  /** Why a tier does not work here. */
  missing: { [tier in Tier]?: string };
  /** By case and tier: `=`, what is documented to be less, `cannot: …`, or `wrong: …`. */
  table: Record<string, { [tier in Tier]?: string }>;
}

const report: Report = { kernel: release(), missing: {}, table: {} };
const collectors = new Map<Tier, Collector>();
const net = new Place();
const narrow = new Place();

async function attach(tier: Tier): Promise<void> {
  try {
    const scope = `--netns=${net.inode},${narrow.inode}`;
    collectors.set(tier, await Collector.start(['--tier', tier, '--report', 'both', scope]));
  } catch (error) {
    report.missing[tier] = (error as Error).message.trim().replace(/^it ended: collector: /, '');
  }
}

const pidOf = (line: string) => Number(/"pid":(\d+)/.exec(line)?.[1]);
const ran = new Map<Case, Ran>();
async function drive(one: Case): Promise<void> {
  ran.set(one, await (typeof one.run === 'function' ? one.run(net, narrow) : net.drive(one.run)));
}

/** Until here: the events of an attempt that is made now come after all others. */
async function mark(): Promise<number> {
  const { child, finish } = net.start(['blocking', '127.0.0.1', closed]);
  await finish();
  for (const [tier, collector] of collectors) {
    const last = `"pid":${child.pid},`;
    const there = () => collector.lines().some((line) => line.includes('"type":"outcome"') && line.includes(last));
    await until(`the outcome of the mark, ${tier}`, there);
  }
  return child.pid as number;
}

/** What the first tier tells of a case. */
const first = new Map<Case, string>();
function judge(one: Case, { pids, said }: Ran, tier: Tier, byPid: Map<number, string[]>): string {
  if (said.unavailable) return `cannot: ${said.unavailable}`;
  try {
    const lines = [...pids].flatMap((pid) => byPid.get(pid) ?? []);
    const events = lines.map((line) => JSON.parse(line) as Connect | Outcome).sort((a, b) => a.seq - b.seq);
    const wanted = said.attempts.flatMap((attempt, i) => expected(one, attempt, i, tier) ?? []);
    const actual = pairs(events);
    const wrong = difference(actual, wanted);
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
  report.table[name][tier] = verdict;
};

function judgeAll(marked: number): void {
  for (const [tier, collector] of collectors) {
    const byPid = new Map<number, string[]>();
    for (const line of collector.lines().filter((line) => /^{"type":"(connect|outcome)"/.test(line))) {
      const pid = pidOf(line);
      byPid.set(pid, [...(byPid.get(pid) ?? []), line]);
    }
    for (const [one, which] of ran) set(one.name, tier, judge(one, which, tier, byPid));
    const known = new Set([marked, ...[...ran.values()].flatMap(({ pids }) => [...pids])]);
    const stray = [...byPid].filter(([pid]) => !known.has(pid)).flatMap(([, lines]) => lines);
    const lost = lostIn(collector.lines());
    const all = [...(lost ? [`${lost} lost`] : []), ...stray];
    set('no other event, none lost', tier, all.length ? `wrong: ${all.slice(0, 3)}` : '=');
  }
}

/** As fast as it can, by two threads. Each attempt is two events, told or counted as lost. */
async function burst(): Promise<void> {
  const { child, finish } = net.start(['burst', 2, 2500, '127.0.0.1', open]);
  const { attempts } = await finish();
  narrow.sysctl('ipv4/tcp_syn_retries', '6');
  const last = narrow.start(['nonblocking', '127.0.0.1', black]); // it outlives the collectors
  await until('it waits', () => narrow.run('ss', '-tnH', 'state', 'syn-sent').includes(':40000 '));
  const stopped = [...collectors].map(async ([tier, collector]) => [tier, (await collector.stop()).lines] as const);
  for (const [tier, lines] of await Promise.all(stopped)) {
    const own = lines.filter((line) => line.startsWith('{"type":"connect"') || line.startsWith('{"type":"outcome"'));
    const told = own.filter((line) => pidOf(line) === child.pid).length;
    const [lost, end] = [lostIn(lines), statuses(lines).at(-1)];
    const all = JSON.stringify(end);
    const wrong = told + lost !== 2 * attempts.length || end?.lost !== lost || end.out !== own.length;
    set('burst of 5,000: told + lost = attempts', tier, wrong ? `wrong: ${told} + ${lost} lost, ${all}` : '=');
    const open = own.filter((line) => pidOf(line) === last.child.pid).length;
    const pending = open === 1 && end?.pending === 1;
    set('still open at the end: pending', tier, pending ? '=' : `wrong: ${open} events, ${all}`);
  }
  last.child.kill('SIGKILL');
  await last.finish().catch(() => {});
}

try {
  await setUp(net, narrow);
  await Promise.all(tiers.map(attach));
  const slow = Promise.all(cases.filter(({ slow }) => slow).map(drive));
  for (const one of cases) if (!one.slow) await drive(one);
  await slow;
  judgeAll(await mark());
  await burst();
} finally {
  for (const { child } of Collector.running) child.kill('SIGKILL');
  await Promise.all([net.remove(), narrow.remove()]);
}
console.log(JSON.stringify(report));
