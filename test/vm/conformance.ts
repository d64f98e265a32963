/*
 * Runs on the machine under test: all tiers that work there watch the same attempts. Prints one JSON object, a Report.
 * Needs the compiled client's path in SYNPIPE_VM_CLIENT.
 */
import { release } from 'node:os';
import { type Tier, tiers } from '../../dist/collector/addon.js';
import { Collector, counted, isAttempt, ledger, lostAttempts, lostIn, lostUpdates } from '../live/collect.js';
import { until } from '../live/wait.js';
import { black, type Case, closed, open, setUp } from './cases/case.js';
import { hang } from './cases/existing.js';
import { cases } from './cases.js';
import { type AttemptEvents, difference, type Event, eventsByAttempt, expected } from './expect.js';
import { Place, type Ran } from './place.js';

export interface Report {
  kernel: string;
  /** Why a tier does not work here. */
  missing: { [tier in Tier]?: string };
  /** By case and tier: `=`, the documented limitation, `cannot: …`, or `wrong: …`. */
  table: Record<string, { [tier in Tier]?: string }>;
}

const report: Report = { kernel: release(), missing: {}, table: {} };
const reports = ['both', 'outcome', 'attempt'] as const;
type Watching = { [report in (typeof reports)[number]]: Collector };
/** A collector for each --report: without outcomes, the BPF programs take other paths. */
const collectors = new Map<Tier, Watching>();
const net = new Place();
const narrow = new Place();
const held = new Place();

async function attach(tier: Tier): Promise<void> {
  try {
    const scope = `--netns=${net.inode},${narrow.inode},${held.inode}`;
    const start = (...args: string[]) => Collector.start(['--tier', tier, scope, ...args]);
    const both = await start('--report', 'both');
    collectors.set(tier, { both, outcome: await start(), attempt: await start('--report', 'attempt') });
  } catch (error) {
    report.missing[tier] = (error as Error).message.trim().replace(/^the collector exited: collector: /, '');
  }
}

const pidOf = (line: string) => Number(/"pid":(\d+)/.exec(line)?.[1]);
const ran = new Map<Case, Ran>();
/** Processes whose events are expected, but not checked. */
const aside = new Set<number>();

/**
 * Outside a guest, cases that a timer ends are repeated, at most twice, if an end was not seen: a sandbox's kernel may run no
 * BPF program while its own process 1 is current, not even for a timer that fires then.
 */
async function drive(one: Case): Promise<void> {
  for (let tries = one.slow && !process.env.SYNPIPE_VM_GUEST ? 3 : 1; tries > 0; tries--) {
    const which = await (typeof one.run === 'function' ? one.run(net, narrow, held) : net.drive(one.run));
    ran.set(one, which);
    if (tries === 1 || (await ended(which))) return;
    for (const pid of which.pids) aside.add(pid);
  }
}

async function ended({ pids }: Ran): Promise<boolean> {
  aside.add(await mark());
  return [...collectors.values()].every(({ both }) => {
    const byPid = eventsByPid(both);
    const types = [...pids].flatMap((pid) => byPid.get(pid) ?? []).map(({ type }) => type);
    const count = (one: string) => types.filter((type) => type === one).length;
    return count('connect') === count('outcome');
  });
}

/** Makes an attempt and waits for its events: they come after all earlier ones. Returns its process ID. */
async function mark(): Promise<number> {
  const { child, finish } = net.start(['blocking', '127.0.0.1', closed]);
  await finish();
  const has = (collector: Collector, type: string) =>
    collector.lines().some((line) => line.startsWith(`{"type":"${type}"`) && pidOf(line) === child.pid);
  for (const [tier, watching] of collectors)
    for (const report of reports)
      await until(`the mark, ${tier}`, () => has(watching[report], report === 'attempt' ? 'connect' : 'outcome'));
  return child.pid as number;
}

/** The events of attempts by process, in order. Events without a process are under 0. */
function eventsByPid(collector: Collector): Map<number, Event[]> {
  const byPid = new Map<number, Event[]>();
  for (const line of collector.lines().filter(isAttempt)) {
    const event = JSON.parse(line) as Event;
    const pid = event.pid ?? 0;
    byPid.set(pid, [...(byPid.get(pid) ?? []), event]);
  }
  return byPid;
}
type Events = { [report in (typeof reports)[number]]: ReturnType<typeof eventsByPid> };

const inOrder = (events: object[]) =>
  events
    .map((event) => JSON.stringify(event))
    .sort()
    .join(' ');

/** What the first tier reports for a case. */
const first = new Map<Case, string>();
function judge(one: Case, { pids, said }: Ran, tier: Tier, events: Events): string {
  if (said.unavailable) return `cannot: ${said.unavailable}`;
  try {
    const of = (report: keyof Events) => {
      const own = [...pids].flatMap((pid) => events[report].get(pid) ?? []).sort((a, b) => a.seq - b.seq);
      return eventsByAttempt(own, report, report === 'outcome' || one.existing === true);
    };
    const wanted = said.attempts.flatMap((attempt, i) => expected(one, attempt, i, tier) ?? []);
    const actual = of('both');
    const wrong = difference(actual, wanted);
    const byDefault = of('outcome');
    wrong.push(...difference(byDefault, wanted).map((what) => `without --report: ${what}`));
    const same = (type: 'connect' | 'outcome', others: AttemptEvents[]) => {
      const [is, other] = [actual, others].map((all) =>
        inOrder(all.flatMap((attempt): object[] => (attempt[type] ? [attempt[type]] : []))),
      );
      if (is !== other) wrong.push(`another --report, another ${type}: ${is} ${other}`);
    };
    same('outcome', byDefault);
    if (!one.existing) same('connect', of('attempt'));
    if (!one.less?.[tier]) {
      // what the client cannot know must at least be the same for all tiers
      const exact = JSON.stringify(actual.map(({ connect, outcome }) => [connect, outcome]));
      if (exact !== (first.get(one) ?? exact)) wrong.push(`another tier differs: ${first.get(one)} ${exact}`);
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
  for (const [tier, watching] of collectors) {
    const events = Object.fromEntries(reports.map((report) => [report, eventsByPid(watching[report])])) as Events;
    for (const [one, which] of ran) set(one.name, tier, judge(one, which, tier, events));
    const known = new Set([...aside, ...[...ran.values()].flatMap(({ pids }) => [...pids])]);
    const others = reports.flatMap((report) => [...events[report]]).filter(([pid]) => !known.has(pid));
    const stray = others.flatMap(([, events]) => events.map(({ id }) => id));
    const lost = reports.reduce((sum, report) => sum + lostIn(watching[report].lines()), 0);
    const all = [...(lost ? [`${lost} lost`] : []), ...stray];
    set('no other event, none lost', tier, all.length ? `wrong: ${all.slice(0, 3)}` : '=');
  }
}

/** Two threads connect at full speed. Each attempt has its final line or is counted as lost, and the ledger agrees. */
async function burst(): Promise<void> {
  const { child, finish } = net.start(['burst', 2, 2500, '127.0.0.1', open]);
  const { attempts } = await finish();
  // both outlive the collectors: one call has returned, one has not
  const last = [
    narrow.start(['nonblocking', '127.0.0.1', black]),
    net.start(['blocking', '127.0.0.1', black]),
  ] as const;
  await until('one waits', () => narrow.run('ss', '-tnH', 'state', 'syn-sent').includes(':40000 '));
  await until('the other waits', () => net.run('ss', '-tnH', 'state', 'syn-sent').includes(`:${black}`));
  const ending = [...collectors].flatMap(([tier, watching]) =>
    reports.map(async (report) => ({ tier, report, lines: (await watching[report].stop()).lines })),
  );
  for (const { tier, report, lines } of await Promise.all(ending)) {
    const written = (type: string, pid = child.pid) =>
      lines.filter((line) => line.startsWith(`{"type":"${type}"`) && pidOf(line) === pid).length;
    const [started, ended, lost] = [written('connect'), written('outcome'), lostAttempts(lines)];
    const pending = report === 'attempt' ? 0 : last.length;
    const [status, should] = [counted(lines), ledger(lines, report, pending)].map((all) =>
      Object.entries(all).sort().join(' '),
    );
    const all = `${report}: ${started} connects, ${ended} outcomes, ${status} instead of ${should}`;
    // an attempt that is lost may lack both lines
    const complete = report === 'both' ? started + ended + lostUpdates(lines) + 2 * lost >= 2 * attempts.length : true;
    const adds = (report === 'attempt' ? started : ended) + lost === attempts.length && complete && status === should;
    set('burst of 5,000: reported + lost = attempts', tier, adds ? '=' : `wrong: ${all}`);
    const open = last.every(
      ({ child: { pid } }) =>
        written('connect', pid) === (report === 'outcome' ? 0 : 1) &&
        written('pending', pid) > 0 === (report !== 'attempt') &&
        written('outcome', pid) === 0,
    );
    set('still open at the end: pending', tier, open ? '=' : `wrong: ${report}: ${lines.slice(-5)}`);
  }
  for (const { child, finish } of last) {
    child.kill('SIGKILL');
    await finish().catch(() => {});
  }
}

try {
  await setUp(net, narrow, held);
  await hang(held);
  await Promise.all(tiers.map(attach));
  for (const one of cases) if (!one.slow && !one.existing) await drive(one);
  // afterwards: while about ten calls wait, the kprobe tier cannot follow others that are not system calls; crowd.ts tries that
  await Promise.all(cases.filter(({ slow }) => slow).map(drive));
  for (const one of cases) if (one.existing) await drive(one);
  aside.add(await mark());
  judgeAll();
  for (const place of [net, narrow]) place.sysctl('ipv4/tcp_syn_retries', '6');
  await burst();
} finally {
  for (const { child } of Collector.running) child.kill('SIGKILL');
  await Promise.all([net, narrow, held].map((place) => place.remove()));
}
console.log(JSON.stringify(report));
