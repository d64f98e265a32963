/**
 * Measures what tracing costs: the time of one connect(), and of a whole attempt from socket() to close(), with each tracer
 * attached and with no tracer; the time spent in the tracer's kernel programs alone; and the tracer's own CPU and memory.
 * Rounds alternate (no tracer, A, no tracer, B, …), so that a slower phase of the machine affects all of them.
 *
 *     sudo node --import tsx test/bench/overhead.ts [ROUNDS] [CONNECTS] [TRACER…]
 *     BENCH_ICOUNT=1 test/vm/run --kernel 6.1 --icount --share test/bench/runs -- node --import tsx …
 *
 * The second form counts instructions, all that the one CPU executes from start to finish. They include those of the
 * tracer's process if it ran during connect() or the attempt. Other load on the machine does not affect the counts.
 *
 * Runs whichever of these are installed: this collector in each tier, with outcomes, with closed events too, with attempts
 * only, with DNS and with drops; the collector of another built checkout that BENCH_BEFORE names; tcpconnect.bt, bcc's and
 * libbpf-tools' tcpconnect; and a bpftrace one-liner on the socket state tracepoint. bcc's runs only with BENCH_BCC=1, since
 * it takes minutes to start in a guest. The table and the raw numbers go to test/bench/runs/, unless TRACERs were named.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const rounds = Number(process.argv[2] ?? 5);
const connects = Number(process.argv[3] ?? 10_000);
const root = new URL('../../', import.meta.url).pathname;

/** Set in a guest whose clock advances a nanosecond per instruction. */
const icount = process.env.BENCH_ICOUNT === '1';

delete process.env.NODE_EXTRA_CA_CERTS; // if set, Node reads that file at each start

const tracefs = '{ [ -d /sys/kernel/tracing/events ] || mount -t tracefs none /sys/kernel/tracing; }'; // if not yet mounted
const states = 'tracepoint:sock:inet_sock_set_state /args->oldstate == 7 && args->newstate == 2/';
const onState = `${states} { printf("%d %s\\n", pid, comm); }`;
const roomyBcc = `import re, sys
exec(re.sub(r'open_perf_buffer\\((\\w+)\\)', r'open_perf_buffer(\\1, page_cnt=1024)', open(sys.argv.pop(1)).read()))`;
/** A checkout in each tier, with outcomes and with attempts only. */
const collectors = (name: string, folder: string) =>
  ['tracepoint', 'kprobe', 'fentry'].flatMap((tier) =>
    ['outcome', 'outcome,closed', 'attempt', 'outcome --dns', 'outcome --drops'].map((report): [string, string[]] => [
      `${name} ${tier}, ${report}`,
      [`${folder}/dist/bin/collector`, '--tier', tier, '--report', ...report.split(' ')],
    ]),
  );
const { BENCH_BEFORE: before } = process.env;
const tracers: Record<string, string[]> = {
  ...Object.fromEntries(collectors('synpipe', root)),
  ...(before && Object.fromEntries(collectors('before', before))),
  // with the default of 64 pages it loses half of the events here
  'tcpconnect.bt': ['env', 'BPFTRACE_PERF_RB_PAGES=1024', '/usr/sbin/tcpconnect.bt'],
  'libbpf-tools tcpconnect': ['stdbuf', '-oL', '/usr/sbin/tcpconnect'],
  // it has no option for its 8 pages, and loses two thirds of the events here
  'bcc tcpconnect': ['/usr/bin/python3', '-uc', roomyBcc, '/usr/sbin/tcpconnect-bpfcc'],
  'bpftrace on the state': ['unshare', '-m', 'sh', '-c', `${tracefs} && exec bpftrace -e '${onState}'`],
};

const asked = process.argv.slice(4);
const names = Object.keys(tracers).filter((name) =>
  asked.length > 0 ? asked.includes(name) : name !== 'bcc tcpconnect' || process.env.BENCH_BCC === '1',
);

const client = `${mkdtempSync(`${tmpdir()}/bench-`)}/connects`;
execFileSync('gcc', ['-O2', '-o', client, new URL('connects.c', import.meta.url).pathname]);
interface Times {
  /** Nanoseconds of each connect(), and of each attempt. */
  connect: number;
  whole: number;
}
function drive(kind: 'accepted' | 'refused', n = connects): Times {
  const [connect, whole] = execFileSync(client, [String(n), kind])
    .toString()
    .split(' ')
    .map(Number) as [number, number];
  return { connect, whole };
}

interface BpfProgram {
  id: number;
  run_time_ns?: number;
}
const programs = () => JSON.parse(execFileSync('bpftool', ['prog', 'show', '-j']).toString()) as BpfProgram[];
const countTime = (on: 0 | 1) => writeFileSync('/proc/sys/kernel/bpf_stats_enabled', `${on}`);

/** Returns the nanoseconds per attempt spent in all BPF programs that are not in `before`. */
function programTime(kind: 'accepted' | 'refused', before: Set<number>): number {
  const spent = () =>
    programs().reduce((sum, { id, run_time_ns }) => sum + (before.has(id) ? 0 : (run_time_ns ?? 0)), 0);
  countTime(1);
  const from = spent();
  drive(kind);
  const time = spent() - from;
  countTime(0);
  return time / connects;
}

/** Returns the nanoseconds of CPU that a process's threads have used. */
function cpuTime(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.reduce(
    (sum, thread) => sum + parseInt(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'), 10),
    0,
  );
}

function peakMegabytes(pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

interface Started {
  child: ChildProcess;
  lines: () => number;
  readyMs: number;
}

/** Starts a tracer and waits until it prints one of our attempts. */
async function start(command: string[]): Promise<Started> {
  const [program, ...args] = command as [string, ...string[]];
  const began = performance.now();
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let lines = 0;
  let said = '';
  child.stdout.on('data', (data: Buffer) => {
    for (let at = data.indexOf(10); at >= 0; at = data.indexOf(10, at + 1)) lines++;
  });
  child.stderr.on('data', (data: Buffer) => {
    said += data;
  });
  child.on('error', (error) => {
    said += error.message;
  });
  for (let before = 3; performance.now() - began < 600_000; await sleep(20)) {
    if (child.exitCode !== null || child.pid === undefined) {
      const lines = said.trim().split('\n');
      throw new Error(lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'ended');
    }
    drive('refused', 1);
    if (lines > before) return { child, lines: () => lines, readyMs: performance.now() - began };
  }
  child.kill('SIGKILL');
  throw new Error('printed nothing in ten minutes');
}

async function stop({ child }: Started): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  const again = setInterval(() => child.kill('SIGINT'), 1000); // bcc's misses a signal that arrives while it prints
  await ended;
  clearInterval(again);
}

interface Round {
  tracer: string;
  /** Accepted and refused connects. */
  with: [Times, Times];
  without: [Times, Times];
  programs: [number, number];
  cpuPerEvent: number;
  megabytes: number;
  readyMs: number;
  lines: number;
}

const both = (): [Times, Times] => [drive('accepted'), drive('refused')];

async function round(tracer: string): Promise<Round> {
  const without = both();
  const before = new Set(programs().map(({ id }) => id));
  const started = await start(tracers[tracer] as string[]);
  const pid = started.child.pid as number;
  await sleep(500); // time to finish starting up
  const [lines, cpu] = [started.lines(), cpuTime(pid)];
  const times = both();
  await sleep(500);
  const result = {
    tracer,
    with: times,
    without,
    cpuPerEvent: (cpuTime(pid) - cpu) / (2 * connects),
    megabytes: peakMegabytes(pid),
    readyMs: started.readyMs,
    lines: started.lines() - lines,
    programs: [programTime('accepted', before), programTime('refused', before)] as [number, number],
  };
  await stop(started);
  return result;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number;

both();
const results: Round[] = [];
const absent: Record<string, string> = {};
for (let turn = 0; turn < rounds; turn++) {
  for (const tracer of names) {
    if (tracer in absent) continue;
    const command = tracers[tracer] as string[];
    const path = command.find((word) => word.startsWith('/'));
    try {
      if (path && !existsSync(path)) throw new Error('not installed');
      results.push(await round(tracer));
      process.stderr.write(`${turn + 1}: ${tracer}\n`);
    } catch (error) {
      absent[tracer] = (error as Error).message;
    }
  }
}

const unit = icount ? 'instructions' : 'ns';
const columns = ['accepted connect()', 'refused connect()', 'accepted, whole', 'refused, whole'];
const picks = columns.map((column, i) => ({
  column,
  of: (times: [Times, Times]) => times[i % 2]?.[i < 2 ? 'connect' : 'whole'] as number,
}));
const rows = names
  .filter((tracer) => !(tracer in absent))
  .map((tracer) => {
    const mine = results.filter((result) => result.tracer === tracer);
    const of = (pick: (result: Round) => number, digits = 0) => median(mine.map(pick)).toFixed(digits);
    return `| ${[
      tracer,
      ...picks.map(({ of: time }) => {
        const added = of((r) => time(r.with) - time(r.without));
        return `+${added} (×${of((r) => time(r.with) / time(r.without), 2)})`;
      }),
      `${of((r) => r.programs[0])} / ${of((r) => r.programs[1])}`,
      of((r) => r.cpuPerEvent / 100, icount ? 0 : 1),
      of((r) => r.megabytes),
      of((r) => r.readyMs / 1000, 2),
      `${of((r) => r.lines)} of ${2 * connects}`,
    ].join(' | ')} |`;
  });
const machine = `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`;
const none = picks
  .map(({ column, of }) => `${column} ${median(results.map((r) => of(r.without))).toFixed(0)}`)
  .join(', ');
const table = `${machine}, ${new Date().toISOString().slice(0, 10)}. ${rounds} rounds of 2 × ${connects} connects, medians.
Without a tracer, ${unit}: ${none}. What a tracer adds:

| tracer | ${columns.join(' | ')} | its programs, accepted / refused | its CPU per 10,000 events, ${icount ? 'million instructions' : 'ms'} | peak RSS, MB | first event after, s | lines printed |
|${'---|'.repeat(columns.length + 6)}
${rows.join('\n')}
${Object.entries(absent)
  .map(([tracer, reason]) => `\n${tracer}: ${reason}`)
  .join('')}
`;
process.stdout.write(table);
if (asked.length === 0) {
  const runs = new URL('runs/', import.meta.url);
  const name = `overhead-${release()}${icount ? '-instructions' : ''}`;
  mkdirSync(runs, { recursive: true });
  writeFileSync(new URL(`${name}.md`, runs), table);
  writeFileSync(new URL(`${name}.json`, runs), `${JSON.stringify({ machine, absent, results }, undefined, 1)}\n`);
}
