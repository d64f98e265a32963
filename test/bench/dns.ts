/**
 * Measures what --dns costs: datagrams, pieces of a TCP stream and DNS exchanges over loopback, with no collector attached,
 * with one, and with one that runs --dns. Rounds alternate, so that a slower phase of the machine affects all three.
 *
 *     sudo node --import tsx test/bench/dns.ts [ROUNDS]
 *
 * BENCH_BEFORE names another checkout, already built, whose collector is measured in the same rounds. The table and the
 * raw numbers go to test/bench/runs/.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const rounds = Number(process.argv[2] ?? 7);
const root = new URL('../../', import.meta.url).pathname;
const folder = mkdtempSync(`${tmpdir()}/bench-`);
const program = `${folder}/packets`;
const events = `${folder}/events.ndjson`;
execFileSync('gcc', ['-O2', '-o', program, new URL('packets.c', import.meta.url).pathname]);

const kinds = { udp: 100_000, tcp: 20_000, dns: 50_000 };
type Kind = keyof typeof kinds;
const script = 'ip link set lo up && exec "$@"';
const measure = (kind: Kind) =>
  Number(execFileSync('unshare', ['-n', 'sh', '-c', script, 'sh', program, String(kinds[kind]), kind]));

interface Round {
  with: string;
  ns: Record<Kind, number>;
  /** The collector's CPU time per DNS exchange. */
  cpuUs?: number;
  told?: number;
  lost?: number;
}

const cpuSeconds = (pid: number) => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
};

async function round(args: string[] | undefined, folder = root): Promise<Round> {
  const name = args ? `${folder === root ? '' : 'before: '}collector ${args.join(' ')}`.trim() : 'none';
  if (!args) return { with: name, ns: { udp: measure('udp'), tcp: measure('tcp'), dns: measure('dns') } };
  const out = openSync(events, 'w');
  const child = spawn(`${folder}/dist/bin/collector`, ['--status', ...args], { stdio: ['ignore', out, 'inherit'] });
  closeSync(out);
  while (readFileSync(events).length === 0) await sleep(20);
  const [udp, tcp] = [measure('udp'), measure('tcp')];
  const before = cpuSeconds(child.pid as number);
  const dns = measure('dns');
  await sleep(300);
  const cpuUs = ((cpuSeconds(child.pid as number) - before) / kinds.dns) * 1e6;
  child.kill('SIGTERM');
  await once(child, 'exit');
  const lines = readFileSync(events, 'latin1').trim().split('\n');
  const told = lines.filter((line) => line.startsWith('{"type":"dns"')).length;
  const { lost } = JSON.parse(lines.at(-1) as string);
  return { with: name, ns: { udp, tcp, dns }, cpuUs, told, lost };
}

const { BENCH_BEFORE: before } = process.env;
const variants: [string[]?, string?][] = [[], [[]], [['--dns']]];
if (before) variants.push([['--dns'], before]);
const results: Round[] = [];
for (let i = 0; i < rounds; i++) for (const variant of variants) results.push(await round(...variant));

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1] as number;
const of = (name: string, pick: (round: Round) => number) =>
  median(results.filter((round) => round.with === name).map(pick));
const names = [...new Set(results.map((round) => round.with))];
const rows = names.map((name) => {
  const cells = (Object.keys(kinds) as Kind[]).map((kind) => {
    const [ours, none] = [of(name, ({ ns }) => ns[kind]), of('none', ({ ns }) => ns[kind])];
    return `${(ours / 1000).toFixed(2)} (×${(ours / none).toFixed(2)})`;
  });
  const more = [
    of(name, ({ cpuUs = 0 }) => cpuUs).toFixed(1),
    of(name, ({ told = 0 }) => told),
    of(name, ({ lost = 0 }) => lost),
  ];
  return `| ${[name, ...cells, ...more].join(' | ')} |`;
});
const machine = `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`;
const table = `${machine}, ${new Date().toISOString().slice(0, 10)}. ${rounds} rounds, medians.

| with | datagram, µs | 64 KiB of TCP, µs | DNS query and answer, µs | its CPU per answer, µs | reported | lost |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`;
process.stdout.write(table);
const run = new URL(`runs/dns-${release()}`, import.meta.url).pathname;
writeFileSync(`${run}.md`, table);
writeFileSync(`${run}.json`, `${JSON.stringify({ machine, results }, undefined, 1)}\n`);
