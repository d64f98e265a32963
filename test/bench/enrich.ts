/**
 * Measures what enrich costs: events per second with known names, against filter on the same input; look-ups of 10,000
 * unknown addresses from a local unbound; a dead resolver against --offline; memory with 5 million addresses.
 *
 *     node --import tsx test/bench/enrich.ts [ROUNDS [known|cold|dead|memory]…]
 *
 * Needs unbound (Debian's package). The table and the raw numbers go to test/bench/runs/; parts that are not named keep
 * the numbers of their last run.
 */
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { promises as dns } from 'node:dns';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

const rounds = Number(process.argv[2] ?? 5);
const root = new URL('../../', import.meta.url).pathname;
const dir = mkdtempSync(`${tmpdir()}/bench-enrich-`);
process.on('exit', () => rmSync(dir, { recursive: true, force: true }));

const address = (n: number) => `${198 + (n >> 24)}.${18 + ((n >> 16) & 63)}.${(n >> 8) & 255}.${n & 255}`;

/** Writes events to `addresses` addresses in turn. With `wire`, the DNS answers with their names come first. */
function events(path: string, count: number, addresses: number, wire = false): string {
  const fd = openSync(path, 'w');
  for (let n = 0; wire && n < addresses; n++) {
    const ts = '2026-11-23T08:14:59.000000Z';
    const asker = 1000 + ((n * 29) % 50); // the process whose attempts go to this address
    const fields = {
      pid: asker,
      tid: asker,
      netns: 4026531840,
      cgroup: '1',
      name: `host-${n}.example.com`,
      addrs: [address(n)],
      ttl: 3600,
      latency_us: 500,
    };
    writeSync(fd, `${JSON.stringify({ type: 'dns', v: 1, seq: n + 1, ts, ...fields })}\n`);
  }
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

/** Runs a command on a file. Writes its output to a file too if names are to be counted. */
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
const name = `${root}test/bench/runs/enrich-${release()}`;
const parts = process.argv.length > 3 ? process.argv.slice(3) : ['known', 'cold', 'dead', 'memory'];
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim();

interface Known {
  /** Millions of events per second, by round: of the last million of an input, so without start-up and first look-ups. */
  steady: Record<string, number[]>;
  /** The same for the whole run. */
  whole: Record<string, number[]>;
}
interface Raw {
  known?: Known;
  cold?: { namesPerSecond: number; named: number; unnamed: unknown }[];
  dead?: Record<string, number[]>;
  memory?: { addresses: number; peakMb: number }[];
  /** The commit, machine and time of each part. */
  from: Record<string, string>;
}
const raw: Raw = existsSync(`${name}.json`) ? JSON.parse(readFileSync(`${name}.json`, 'utf8')) : { from: {} };
const add = (to: Record<string, number[]>, key: string, value: number) => {
  to[key] = [...(to[key] ?? []), value];
};
const rateOf = (count: number, seconds: number) => Number((count / seconds / 1e6).toFixed(3));

/** Starts a local unbound that knows the names of this many addresses. Returns its port. */
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
const port = await unbound(10_000);
const resolver = ['--resolver', `127.0.0.1:${port}`];
/** filter passing everything through: it only reads, checks and writes. */
const base = 'filter, all pass';

const measure: Record<string, () => Promise<void>> = {
  async known() {
    const known: Known = { steady: {}, whole: {} };
    const few = million / 5;
    const inputs = {
      '': [events(`${dir}/few`, few, 1_000), events(`${dir}/many`, few + million, 1_000)],
      ', names of the wire': [
        events(`${dir}/few-wire`, few, 1_000, true),
        events(`${dir}/many-wire`, few + million, 1_000, true),
      ],
    } as const;
    const commands: [string, keyof typeof inputs, string[]][] = [
      [base, '', ['filter', '--family', '4']],
      ['filter, 30 % pass', '', ['filter', '--dport', '443']],
      ['enrich --with names', '', ['enrich', '--with', 'names', '--wait', '2000', ...resolver]],
      ['enrich', '', ['enrich', '--wait', '2000', ...resolver]],
      ['enrich --offline', ', names of the wire', ['enrich', '--offline']],
    ];
    for (let round = 0; round < rounds; round++) {
      for (const [what, input, argv] of commands) {
        const [short, long] = inputs[input];
        const start = await run(argv, short);
        const all = await run(argv, long);
        add(known.steady, what + input, rateOf(million, all.seconds - start.seconds));
        add(known.whole, what + input, rateOf(few + million, all.seconds));
      }
    }
    for (const path of Object.values(inputs).flat()) rmSync(path);
    raw.known = known;
  },

  async cold() {
    const cold = events(`${dir}/cold`, 10_000, 10_000);
    const one = events(`${dir}/one`, 1, 1);
    raw.cold = [];
    for (let round = 0; round < rounds; round++) {
      const argv = ['enrich', '--with', 'names', '--wait', '30000', '--status', ...resolver];
      const start = await run(argv, one, true);
      const all = await run(argv, cold, true);
      const namesPerSecond = Math.round(10_000 / (all.seconds - start.seconds));
      raw.cold.push({ namesPerSecond, named: all.named, unnamed: all.status.unnamed ?? {} });
    }
  },

  async dead() {
    const silent = createSocket('udp4');
    await new Promise<void>((resolve) => silent.bind(0, '127.0.0.1', resolve));
    const input = events(`${dir}/scattered`, 4 * million, 100_000);
    raw.dead = {};
    for (let round = 0; round < rounds; round++) {
      for (const [what, argv] of [
        ['--offline', ['--offline']],
        ['a resolver that never answers', ['--resolver', `127.0.0.1:${silent.address().port}`]],
      ] as const) {
        add(raw.dead, what, rateOf(4 * million, (await run(['enrich', ...argv], input)).seconds));
      }
    }
    silent.close();
    rmSync(input);
  },

  async memory() {
    raw.memory = [];
    for (const addresses of [50_000, 500_000, 5 * million]) {
      const input = events(`${dir}/distinct`, addresses, addresses);
      raw.memory.push({ addresses, peakMb: Math.round((await run(['enrich', ...resolver], input)).peakMb) });
      rmSync(input);
    }
  },
};
const save = () => {
  mkdirSync(`${root}test/bench/runs`, { recursive: true });
  writeFileSync(`${name}.json`, `${JSON.stringify(raw, undefined, 1)}\n`);
};
for (const part of parts) {
  await measure[part]?.();
  raw.from[part] =
    `${commit}, Linux ${release()}, ${cpus().length} CPUs, Node ${process.version}, ${new Date().toISOString()}`;
  save();
}

const { known, cold = [], dead = {}, memory = [] } = raw;
const medians = (all: Record<string, number[]> = {}) =>
  Object.entries(all).map(([what, rates]) => [what, median(rates)] as const);
const part = (of: number | undefined, all: Record<string, number[]> = {}) =>
  `${Math.round((100 * (of ?? 0)) / median(all[base] ?? [1]))} %`;
const table = `${Object.entries(raw.from)
  .map(([part, from]) => `${part}: ${from}  \n`)
  .join('')}
| known names, 1,000 addresses | M events/s | of filter's | with start and first look-ups, 1.2 M events | of filter's |
|---|---|---|---|---|
${medians(known?.steady)
  .map(([what, steady]) => {
    const whole = median(known?.whole[what] ?? []);
    return `| ${what} | ${steady.toFixed(2)} | ${part(steady, known?.steady)} | ${whole.toFixed(2)} | ${part(whole, known?.whole)} |`;
  })
  .join('\n')}

| 10,000 addresses, unbound on the same machine | |
|---|---|
| names per second | ${median(cold.map(({ namesPerSecond }) => namesPerSecond))} |
| named, least of the rounds | ${Math.min(...cold.map(({ named }) => named))} |

| 4 M events to 100,000 addresses | M events/s |
|---|---|
${medians(dead)
  .map(([what, rate]) => `| ${what} | ${rate.toFixed(2)} |`)
  .join('\n')}

| distinct addresses | peak RSS |
|---|---|
${memory.map(({ addresses, peakMb }) => `| ${addresses} | ${peakMb} MB |`).join('\n')}
`;
writeFileSync(`${name}.md`, `Medians of the rounds.\n\n${table}`);
console.log(table);
process.exit(0);
