/**
 * What tracing costs: the time of one connect() with each tracer attached, against none, and the tracer's own CPU and
 * memory. Rounds alternate (none, A, none, B, …), so that a machine that slows down slows all of them.
 *
 *     sudo node --import tsx test/bench/overhead.ts [ROUNDS] [CONNECTS]
 *     BENCH_ICOUNT=1 test/vm/run --kernel 6.1 --icount --share test/bench/runs -- node --import tsx …
 *
 * The second way counts instructions, all of the one CPU's from a connect()'s beginning to its end: those of a tracer's
 * process too where it came in between. What the machine does besides does not show in them.
 *
 * Runs what is there of: this collector in each tier, tcpconnect.bt, bcc's and libbpf-tools' tcpconnect, and a bpftrace
 * one-liner on the tracepoint of the socket's state. The table and the raw numbers go to test/bench/runs/.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const rounds = Number(process.argv[2] ?? 5);
const connects = Number(process.argv[3] ?? 10_000);
const root = new URL('../../', import.meta.url).pathname;

/** A guest whose clock goes a nanosecond per instruction. */
const icount = process.env.BENCH_ICOUNT === '1';

const states = 'tracepoint:sock:inet_sock_set_state /args->oldstate == 7 && args->newstate == 2/';
const tracers: Record<string, string[]> = {
  'synpipe tracepoint': [`${root}dist/bin/collector`, '--tier', 'tracepoint'],
  'synpipe kprobe': [`${root}dist/bin/collector`, '--tier', 'kprobe'],
  'synpipe fentry': [`${root}dist/bin/collector`, '--tier', 'fentry'],
  // with its default of 64 pages it loses half of them here
  'tcpconnect.bt': ['env', 'BPFTRACE_PERF_RB_PAGES=1024', '/usr/sbin/tcpconnect.bt'],
  'libbpf-tools tcpconnect': ['stdbuf', '-oL', '/usr/sbin/tcpconnect'],
  ...(process.env.BENCH_BCC ? { 'bcc tcpconnect': ['/usr/sbin/tcpconnect-bpfcc'] } : {}), // minutes to start in a guest
  'bpftrace on the state': ['bpftrace', '-e', `${states} { printf("%d %s\\n", pid, comm); }`],
};

const client = `${mkdtempSync(`${tmpdir()}/bench-`)}/connects`;
execFileSync('gcc', ['-O2', '-o', client, new URL('connects.c', import.meta.url).pathname]);
const nsPerConnect = (kind: string, n = connects) => Number(execFileSync(client, [String(n), kind]));

/** Nanoseconds of CPU that a process's threads have used. */
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

/** Starts a tracer and waits until it prints an attempt of ours. */
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
  for (let before = 3; performance.now() - began < 180_000; await sleep(20)) {
    if (child.exitCode !== null || child.pid === undefined) throw new Error(said.trim().split('\n').at(-1) ?? 'ended');
    nsPerConnect('refused', 1);
    if (lines > before) return { child, lines: () => lines, readyMs: performance.now() - began };
  }
  child.kill('SIGKILL');
  throw new Error('printed nothing in three minutes');
}

async function stop({ child }: Started): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await ended;
}

interface Round {
  tracer: string;
  accepted: number;
  refused: number;
  baseAccepted: number;
  baseRefused: number;
  cpuPerEvent: number;
  megabytes: number;
  readyMs: number;
  lines: number;
}

async function round(tracer: string): Promise<Round> {
  const baseAccepted = nsPerConnect('accepted');
  const baseRefused = nsPerConnect('refused');
  const started = await start(tracers[tracer] as string[]);
  const pid = started.child.pid as number;
  await sleep(500); // what its start left to do
  const [lines, cpu] = [started.lines(), cpuTime(pid)];
  const accepted = nsPerConnect('accepted');
  const refused = nsPerConnect('refused');
  await sleep(500);
  const printed = started.lines() - lines;
  const result = {
    tracer,
    accepted,
    refused,
    baseAccepted,
    baseRefused,
    cpuPerEvent: (cpuTime(pid) - cpu) / (2 * connects) / 1000,
    megabytes: peakMegabytes(pid),
    readyMs: started.readyMs,
    lines: printed,
  };
  await stop(started);
  return result;
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number;

nsPerConnect('accepted');
nsPerConnect('refused');
const results: Round[] = [];
const absent: Record<string, string> = {};
for (let turn = 0; turn < rounds; turn++) {
  for (const [tracer, command] of Object.entries(tracers)) {
    if (tracer in absent) continue;
    const path = command.find((word) => word.startsWith('/'));
    try {
      if (path && !existsSync(path)) throw new Error('not installed');
      results.push(await round(tracer));
    } catch (error) {
      absent[tracer] = (error as Error).message;
    }
  }
}

const rows = Object.keys(tracers)
  .filter((tracer) => !(tracer in absent))
  .map((tracer) => {
    const mine = results.filter((result) => result.tracer === tracer);
    const of = (pick: (result: Round) => number, digits: number) => median(mine.map(pick)).toFixed(digits);
    return `| ${[
      tracer,
      `${of((r) => r.accepted / 1000, 1)} (×${of((r) => r.accepted / r.baseAccepted, 2)})`,
      `${of((r) => r.refused / 1000, 1)} (×${of((r) => r.refused / r.baseRefused, 2)})`,
      of((r) => r.cpuPerEvent, 1),
      of((r) => r.megabytes, 0),
      of((r) => r.readyMs / 1000, 2),
      `${of((r) => r.lines, 0)} of ${2 * connects}`,
    ].join(' | ')} |`;
  });
const unit = icount ? 'thousand instructions' : 'µs';
const machine = `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`;
const none = `${(median(results.map((r) => r.baseAccepted)) / 1000).toFixed(1)} and ${(median(results.map((r) => r.baseRefused)) / 1000).toFixed(1)}`;
const table = `${machine}, ${new Date().toISOString().slice(0, 10)}. ${rounds} rounds of 2 × ${connects} connects, medians; without a tracer ${none} ${unit}.

| tracer | accepted, ${unit} | refused, ${unit} | its CPU per event, ${unit} | peak RSS, MB | first event after, s | lines printed |
|---|---|---|---|---|---|---|
${rows.join('\n')}
${Object.entries(absent)
  .map(([tracer, reason]) => `\n${tracer}: ${reason}`)
  .join('')}
`;
process.stdout.write(table);
const runs = new URL('runs/', import.meta.url);
const name = `overhead-${release()}${icount ? '-instructions' : ''}`;
mkdirSync(runs, { recursive: true });
writeFileSync(new URL(`${name}.md`, runs), table);
writeFileSync(new URL(`${name}.json`, runs), `${JSON.stringify({ machine, absent, results }, undefined, 1)}\n`);
