/**
 * Measures what names from observed DNS answers cost in enrich, compared with another build: lines per second of CPU time,
 * without start-up, and peak memory. The answers say who asked; the other build may not know those fields.
 *
 *     BEFORE=DIR node --import tsx test/bench/enrich-names.ts [ROUNDS]
 *
 * DIR is the folder of the other build (the one with dist). The table and the raw numbers go to test/bench/runs/.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';

const rounds = Number(process.argv[2] ?? 5);
const root = new URL('../../', import.meta.url).pathname;
const dir = mkdtempSync(`${tmpdir()}/bench-enrich-names-`);
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

const time = (n: number) => new Date(Date.UTC(2026, 10, 23, 8) + n / 100).toISOString().replace('Z', '000Z');
const address = (n: number) => `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;
const rest = `"netns":4026531840,"cgroup":"1"`;
const answer = (n: number, pid: number, name: number, to: number) =>
  `{"type":"dns","v":1,"ts":"${time(n)}","pid":${pid},"tid":${pid},${rest},"name":"host-${name}.example.com","addrs":["${address(to)}"],"ttl":300,"latency_us":500}\n`;
const attempt = (n: number, pid: number, to: number) =>
  `{"type":"connect","v":1,"seq":${n + 1},"ts":"${time(n)}","id":"${n}","pid":${pid},"tid":${pid},"ppid":900,"uid":0,"gid":0,"comm":"curl","pcomm":"curl","exe":"/usr/bin/curl",${rest},"family":4,"saddr":"192.0.2.10","sport":40000,"daddr":"${address(to)}","dport":443,"via":"connect"}\n`;

const pairs = (count: number, names: number, processes: number) =>
  function* () {
    for (let n = 0; n < count; n++) {
      const pid = 1000 + (n % processes);
      yield answer(2 * n, pid, n % names, 0) + attempt(2 * n + 1, pid, 0);
    }
  };
const known = (count: number, fresh: number) =>
  function* () {
    for (let n = 0; n < 1000; n++) yield answer(n, 1000 + (n % 50), n, n);
    for (let n = 0; n < count; n++) yield attempt(1000 + n, n % fresh === 0 ? 5000 + n : 1000 + (n % 50), n % 1000);
  };

/** The inputs: how many lines each has, and what generates them. */
const inputs: Record<string, [lines: number, make: () => Generator<string>]> = {
  'attempts of 50 processes to 1,000 addresses that they asked for': [600_000, known(600_000, 1 << 30)],
  'the same, every 8th of a new process': [600_000, known(600_000, 8)],
  'answer, attempt; 50 processes, one address with 1 name': [120_000, pairs(60_000, 1, 50)],
  'answer, attempt; 50 processes, one address with 100,000 names': [120_000, pairs(60_000, 100_000, 50)],
  'answer, attempt; 100,000 processes, one address with 100,000 names': [120_000, pairs(60_000, 100_000, 100_000)],
  'answers for 150,000 addresses': [
    150_000,
    function* () {
      for (let n = 0; n < 150_000; n++) yield answer(n, 1000 + (n % 50), n, n);
    },
  ],
};

interface Run {
  cpu: number;
  peakMb: number;
}
function run(build: string, input: string): Run {
  const stdin = openSync(input, 'r');
  const argv = ['-f', '%U %S %M', `${build}/dist/bin/enrich`, '--offline', '--with', 'names'];
  const { stderr, status } = spawnSync('time', argv, { stdio: [stdin, 'ignore', 'pipe'], encoding: 'utf8' });
  closeSync(stdin);
  if (status !== 0) throw new Error(stderr);
  const [user = 0, system = 0, peak = 0] = stderr.trim().split(' ').map(Number);
  return { cpu: user + system, peakMb: Math.round(peak / 1024) };
}

const builds = { before: process.env.BEFORE, now: root };
const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] as number;
const raw: Record<string, Record<string, { rate: number[]; peakMb: number[] }>> = {};
writeFileSync(`${dir}/empty`, '');
for (const [what, [lines, make]] of Object.entries(inputs)) {
  const fd = openSync(`${dir}/input`, 'w');
  for (const text of make()) writeSync(fd, text);
  closeSync(fd);
  const of: (typeof raw)[string] = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, build] of Object.entries(builds)) {
      if (build === undefined) continue;
      const start = run(build, `${dir}/empty`);
      const all = run(build, `${dir}/input`);
      of[name] ??= { rate: [], peakMb: [] };
      of[name].rate.push(Number((lines / (all.cpu - start.cpu) / 1e6).toFixed(3)));
      of[name].peakMb.push(all.peakMb);
    }
  }
  raw[what] = of;
}

const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();
const from = `${commit}, Linux ${release()}, ${cpus().length} CPUs, Node ${process.version}, ${new Date().toISOString()}`;
const rows = Object.entries(raw).flatMap(([what, of]) =>
  Object.entries(of).map(
    ([name, { rate, peakMb }]) => `| ${what} | ${name} | ${median(rate).toFixed(2)} | ${median(peakMb)} MB |`,
  ),
);
const table = `${from}\n\n| input | build | M lines per CPU second | peak RSS |\n|---|---|---|---|\n${rows.join('\n')}\n`;
const path = `${root}test/bench/runs/enrich-names-${release()}`;
mkdirSync(`${root}test/bench/runs`, { recursive: true });
writeFileSync(`${path}.json`, `${JSON.stringify({ from, rounds, raw }, undefined, 1)}\n`);
writeFileSync(`${path}.md`, `Medians of ${rounds} rounds.\n\n${table}`);
console.log(table);
