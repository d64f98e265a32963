/**
 * What enrich costs: events per second with known names beside filter's on the same input; look-ups of 10,000 addresses
 * that it does not know, from a local unbound; a dead resolver beside --offline; memory with 5 million addresses.
 *
 *     node --import tsx test/bench/enrich.ts [ROUNDS]
 *
 * Needs unbound (Debian's package). The table and the raw numbers go to test/bench/runs/.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const rounds = Number(process.argv[2] ?? 5);
const root = new URL('../../', import.meta.url).pathname;
const dir = mkdtempSync(`${tmpdir()}/bench-enrich-`);
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

const address = (n: number) => `${198 + (n >> 24)}.${18 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`;

/** Events of some users and ports, to so many addresses in turn. */
function events(path: string, count: number, addresses: number): string {
  const fd = openSync(path, 'w');
  for (let i = 0; i < count; ) {
    let text = '';
    for (const end = Math.min(count, i + 5_000); i < end; i++) {
      const us = String((i * 10) % 1_000_000).padStart(6, '0');
      const second = String(Math.floor(i / 100_000) % 60).padStart(2, '0');
      const port = [443, 443, 443, 80, 8080, 5432, 53, 853, 22, 9092][i % 10];
      const uid = [0, 33, 65534, 100][i & 3];
      const to = address((i * 7919) % addresses);
      text += `{"type":"connect","v":1,"seq":${i + 1},"ts":"2026-11-23T08:15:${second}.${us}Z","id":"${4242 + i}","pid":${1000 + (i % 50)},"tid":${1000 + (i % 50)},"ppid":900,"uid":${uid},"gid":0,"comm":"curl","pcomm":"curl","exe":"/usr/bin/curl","netns":4026531840,"cgroup":"1","family":4,"saddr":"192.0.2.10","sport":${30_000 + (i % 20_000)},"daddr":"${to}","dport":${port},"via":"connect"}\n`;
    }
    writeSync(fd, text);
  }
  closeSync(fd);
  return path;
}

interface Run {
  seconds: number;
  peakMb: number;
  named: number;
  status: Record<string, unknown>;
}

/** Runs a command on a file; its output goes to a file too where names are to be counted. */
async function run(argv: string[], input: string, count = false): Promise<Run> {
  const output = `${dir}/out`;
  const out = openSync(count ? output : '/dev/null', 'w');
  const stdin = openSync(input, 'r');
  const usage = `${dir}/usage`;
  const command = [
    '-c',
    'exec /usr/bin/env time -f %M -o "$0" "$@"',
    usage,
    `${root}dist/bin/${argv[0]}`,
    ...argv.slice(1),
  ];
  const began = performance.now();
  const child = spawn('sh', command, { stdio: [stdin, out, 'ignore'] });
  const [code] = await once(child, 'exit');
  const seconds = (performance.now() - began) / 1000;
  closeSync(out);
  closeSync(stdin);
  if (code !== 0) throw new Error(`${argv.join(' ')}: exit code ${code}`);
  const text = count ? readFileSync(output, 'utf8') : '';
  const last = text.trimEnd().split('\n').at(-1);
  return {
    seconds,
    peakMb: Number(readFileSync(usage, 'utf8')) / 1024,
    named: text.match(/"name":"/g)?.length ?? 0,
    status: last?.includes('"status"') ? JSON.parse(last) : {},
  };
}

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const raw: Record<string, unknown> = {};

/** Commands in turn, round by round. Returns the median of events per second of each. */
async function beside(what: string, input: string, count: number, commands: Record<string, string[]>) {
  const rates: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, argv] of Object.entries(commands)) {
      const { seconds } = await run(argv, input);
      rates[name] = [...(rates[name] ?? []), Math.round(count / seconds)];
    }
  }
  raw[what] = rates;
  return Object.fromEntries(Object.entries(rates).map(([name, all]) => [name, median(all)]));
}

/** A local unbound that knows names of so many addresses. Returns its port. */
async function unbound(addresses: number): Promise<number> {
  const socket = createSocket('udp4');
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const { port } = socket.address();
  socket.close();
  const data = Array.from({ length: addresses }, (_, n) => `  local-data-ptr: "${address(n)} host-${n}.example.com"`);
  writeFileSync(
    `${dir}/unbound.conf`,
    `server:
  interface: 127.0.0.1@${port}
  do-daemonize: no
  use-syslog: no
  verbosity: 0
  username: ""
  chroot: ""
  directory: "${dir}"
  pidfile: ""
  module-config: "iterator"
  num-threads: 1
  local-zone: "18.198.in-addr.arpa." static
${data.join('\n')}
remote-control:
  control-enable: no
`,
  );
  const child = spawn('unbound', ['-d', '-c', `${dir}/unbound.conf`], { stdio: 'ignore' });
  process.on('exit', () => child.kill('SIGKILL'));
  const asked = new dns.Resolver({ timeout: 500, tries: 1 });
  asked.setServers([`127.0.0.1:${port}`]);
  for (let tries = 0; tries < 100; tries++) {
    try {
      await asked.resolvePtr('0.0.18.198.in-addr.arpa');
      return port;
    } catch {
      await sleep(50);
    }
  }
  throw new Error('unbound does not answer');
}

const million = 1_000_000;
const known = events(`${dir}/known`, million, 1_000);
const port = await unbound(10_000);
const resolver = ['--resolver', `127.0.0.1:${port}`];

const cached = await beside('known names', known, million, {
  'filter, 30 % pass': ['filter', '--dport', '443'],
  'filter, all pass': ['filter', '--family', '4'],
  'enrich, names': ['enrich', '--with', 'names', ...resolver],
  'enrich, as it comes': ['enrich', ...resolver],
});

const cold = events(`${dir}/cold`, 10_000, 10_000);
const started = events(`${dir}/one`, 1, 1);
const lookups: { namesPerSecond: number; named: number; unnamed: unknown }[] = [];
for (let round = 0; round < rounds; round++) {
  const argv = ['enrich', '--with', 'names', '--wait', '30000', '--status', ...resolver];
  const start = await run(argv, started, true);
  const all = await run(argv, cold, true);
  const seconds = all.seconds - start.seconds;
  lookups.push({ namesPerSecond: Math.round(10_000 / seconds), named: all.named, unnamed: all.status.unnamed ?? {} });
}
raw['10,000 look-ups'] = lookups;

const silent = createSocket('udp4');
await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
const scattered = events(`${dir}/scattered`, million, 100_000);
const dead = await beside('a dead resolver', scattered, million, {
  offline: ['enrich', '--offline'],
  dead: ['enrich', '--resolver', `127.0.0.1:${silent.address().port}`],
});
silent.close();

rmSync(known);
rmSync(scattered);
const memory: { addresses: number; peakMb: number }[] = [];
for (const addresses of [50_000, 500_000, 5 * million]) {
  const input = events(`${dir}/many`, addresses, addresses);
  memory.push({ addresses, peakMb: Math.round((await run(['enrich', ...resolver], input)).peakMb) });
  rmSync(input);
}
raw.memory = memory;

const rate = (n: number | undefined) => `${Math.round((n ?? 0) / 1000)} k/s`;
const quick = (name: string) => cached[name] ?? 0;
const table = `| known names, 1,000 addresses | events | of filter's (30 % pass) | of filter's (all pass) |
|---|---|---|---|
${Object.keys(cached)
  .map((name) => {
    const part = (of: string) => `${Math.round((100 * quick(name)) / quick(of))} %`;
    return `| ${name} | ${rate(quick(name))} | ${part('filter, 30 % pass')} | ${part('filter, all pass')} |`;
  })
  .join('\n')}

| 10,000 addresses, unbound on the same machine | |
|---|---|
| names per second | ${median(lookups.map(({ namesPerSecond }) => namesPerSecond))} |
| named, least of the rounds | ${Math.min(...lookups.map(({ named }) => named))} |

| 100,000 addresses | events |
|---|---|
| --offline | ${rate(dead.offline)} |
| a resolver that never answers | ${rate(dead.dead)} |

| distinct addresses | peak RSS |
|---|---|
${memory.map(({ addresses, peakMb }) => `| ${addresses} | ${peakMb} MB |`).join('\n')}
`;
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const machine = {
  kernel: release(),
  cpus: cpus().length,
  node: process.version,
  date: new Date().toISOString(),
  commit,
};
const name = `${root}test/bench/runs/enrich-${release()}`;
mkdirSync(`${root}test/bench/runs`, { recursive: true });
writeFileSync(`${name}.json`, `${JSON.stringify({ machine, rounds, ...raw }, undefined, 1)}\n`);
writeFileSync(
  `${name}.md`,
  `Linux ${machine.kernel}, ${machine.cpus} CPUs, Node ${machine.node}, ${machine.date}, at ${commit}; medians of ${rounds}\n\n${table}`,
);
console.log(table);
process.exit(0);
