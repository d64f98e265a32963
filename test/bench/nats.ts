/**
 * Measures sink-nats against two loops that one would write with the client: each publish awaited, and core NATS without
 * acknowledgements. Also measures source-nats, and how long an event takes through both at a steady rate.
 * Publishes to a stream on one server, and on three (all on this machine), in rounds that
 * alternate: `node --import tsx test/bench/nats.ts [EVENTS [ROUNDS]]`. Saves the run in test/bench/runs.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream, jetstreamManager, type StreamConfig } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { format } from '../support/lines.js';
import { natsServer } from '../support/nats.js';
import { freePort } from '../support/port.js';
import { env, root } from '../support/shell.js';

const ways = {
  'sink-nats': (url: string) => `sink-nats ${url} < in`,
  'sink-nats --spool': (url: string) => `sink-nats --spool spool ${url} < in`,
  'each publish awaited': (url: string) => `head -${awaited} in > few; ${node} awaited ${url}`,
  'core publishes, no acknowledgement': (url: string) => `${node} core ${url}`,
  'source-nats': (url: string) => `source-nats --count ${events} ${url} CONN > out`,
  "synpipe run 'source-nats | sink-file'": (url: string) =>
    `synpipe run 'source-nats --durable file --count ${events} ${url} CONN | sink-file out.ndjson'`,
};
type Way = keyof typeof ways;

const own = import.meta.filename ?? new URL(import.meta.url).pathname;
const node = `node --import ${import.meta.resolve('tsx')} ${own}`;
const [kind, url] = process.argv.slice(2);
const events = Number(kind ?? 50_000);
const awaited = Math.ceil(events / 10);

/** The loops. Each runs in its own process. */
async function loop(file: string, each: (line: string) => unknown): Promise<void> {
  for await (const line of createInterface({ input: createReadStream(file) })) await each(line);
}

interface Figures {
  events: number;
  seconds: number;
  /** CPU seconds of all servers. */
  serverCpu: number;
}

async function bench(rounds: number): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-bench-'));
  const result: Record<string, Record<Way, Figures[]>> = {};
  const stored: Record<string, { bytes: number; rss: number }> = {};
  const lags: Record<string, number[]> = {};
  try {
    execFileSync('bash', ['-c', `seq -f '${format}' ${events} > in`], { cwd: dir });
    for (const replicas of [1, 3]) {
      const servers = await start(dir, replicas);
      const where = servers.map(({ port }) => `127.0.0.1:${port}`).join(',');
      const figures = Object.fromEntries(Object.keys(ways).map((way) => [way, [] as Figures[]])) as Record<
        Way,
        Figures[]
      >;
      for (let round = 0; round < rounds; round++) {
        for (const way of Object.keys(ways) as Way[]) {
          const fresh = !/source/.test(way);
          if (fresh) await stream(where, replicas);
          if (way === 'source-nats') {
            await stream(where, replicas);
            run(dir, ways['sink-nats'](where));
            stored[`${replicas}`] = { bytes: await bytesOf(where), rss: memory(servers) };
          }
          const before = cpu(servers);
          const seconds = run(dir, ways[way](where));
          const count = way === 'each publish awaited' ? awaited : events;
          figures[way].push({ events: count, seconds, serverCpu: cpu(servers) - before });
        }
      }
      result[replicas === 1 ? 'one server' : 'three servers, three replicas'] = figures;
      await stream(where, replicas);
      lags[`${replicas}`] = await lag(dir, where);
      for (const { child } of servers) child.kill('SIGKILL');
    }
    report(result, stored, lags, rounds);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

interface Server {
  child: ChildProcess;
  port: number;
}

async function start(dir: string, count: number): Promise<Server[]> {
  const ports = await Promise.all(Array.from({ length: 2 * count }, freePort));
  const routes = ports.slice(count).map((port) => `"nats://127.0.0.1:${port}"`);
  const servers: Server[] = [];
  for (let at = 0; at < count; at++) {
    const cluster = `cluster { name: c, listen: "127.0.0.1:${ports[count + at]}", routes: [ ${routes} ] }`;
    const config = `server_name: s${at}\nlisten: "127.0.0.1:${ports[at]}"\njetstream { store_dir: "${dir}/${count}-${at}" }\n${count > 1 ? cluster : ''}\n`;
    const path = join(dir, `${count}-${at}.conf`);
    writeFileSync(path, config);
    servers.push({
      child: spawn(natsServer, ['-c', path], { stdio: 'ignore' }),
      port: ports[at] as number,
    });
  }
  process.on('exit', () => servers.forEach(({ child }) => void child.kill('SIGKILL')));
  await sleep(3_000);
  return servers;
}

/** Creates an empty stream. */
async function stream(where: string, replicas: number): Promise<void> {
  const nc = await connect({ servers: where.split(',') });
  const jsm = await jetstreamManager(nc, { checkAPI: false });
  await jsm.streams.delete('CONN').catch(() => {});
  const config = { name: 'CONN', subjects: ['conn.*.*'], num_replicas: replicas } satisfies Partial<StreamConfig>;
  for (let made = false; !made; )
    made = await jsm.streams.add(config).then(
      () => true,
      () => sleep(200, false),
    );
  await sleep(500); // time to elect a leader
  await nc.close();
}

async function bytesOf(where: string): Promise<number> {
  const nc = await connect({ servers: where.split(',') });
  const { state } = await (await jetstreamManager(nc)).streams.info('CONN');
  await nc.close();
  return state.bytes / state.messages;
}

function run(dir: string, line: string): number {
  execFileSync('bash', ['-c', 'rm -rf spool out out.ndjson'], { cwd: dir });
  const began = process.hrtime.bigint();
  const said = execFileSync('bash', ['-c', line], { cwd: dir, env, stdio: ['ignore', 'pipe', 'inherit'] }).toString();
  return Number(said) || Number(process.hrtime.bigint() - began) / 1e9;
}

/** How long each event took (ms) from sink-nats's input to source-nats's output, shortest first. */
async function lag(dir: string, where: string): Promise<number[]> {
  const [rate, seconds] = [5_000, 5];
  const options = { cwd: dir, env, stdio: ['pipe', 'pipe', 'inherit'] as ('pipe' | 'inherit')[] };
  const [sink, source] = [
    ['sink-nats', where],
    ['source-nats', '--durable', 'lag', where, 'CONN'],
  ].map(([name = '', ...args]) => spawn(name, args, options)) as [ChildProcess, ChildProcess];
  const sent: number[] = [];
  const took: number[] = [];
  const all = (async () => {
    for await (const line of createInterface({ input: source.stdout as Readable })) {
      took.push(performance.now() - (sent[JSON.parse(line).seq] as number));
      if (took.length === rate * seconds) return;
    }
  })();
  await sleep(1_000); // time for both to start
  const began = performance.now();
  for (let seq = 1; seq <= rate * seconds; await sleep(5)) {
    const now = performance.now();
    let text = '';
    for (; seq <= Math.min(rate * seconds, ((now - began) / 1000) * rate); seq++) {
      text += `${format.replace('%.0f', String(seq))}\n`;
      sent[seq] = now;
    }
    if (text) sink.stdin?.write(text);
  }
  await all;
  sink.stdin?.end();
  source.kill();
  await Promise.all([sink, source].map((one) => new Promise((resolve) => one.on('close', resolve))));
  return took.sort((a, b) => a - b);
}

const stat = (pid: number) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
    .map(Number);
const cpu = (servers: Server[]) =>
  servers.reduce(
    (sum, { child }) => sum + ((stat(child.pid as number)[11] ?? 0) + (stat(child.pid as number)[12] ?? 0)) / 100,
    0,
  );
const memory = (servers: Server[]) =>
  Math.max(
    ...servers.map(
      ({ child }) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) * 1024,
    ),
  );

function report(
  result: Record<string, Record<string, Figures[]>>,
  stored: object,
  lags: Record<string, number[]>,
  rounds: number,
): void {
  const lag = Object.fromEntries(
    Object.entries(lags).map(([servers, took]) => {
      const at = (share: number) => Number((took[Math.ceil(share * took.length) - 1] as number).toFixed(2));
      return [servers, { events: took.length, p50: at(0.5), p99: at(0.99), most: at(1) }];
    }),
  );
  console.log('lag at 5,000 events/s, ms:', JSON.stringify(lag));
  const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] as number;
  const machine = { linux: release(), cpus: cpus().length, cpu: cpus()[0]?.model, node: process.version };
  const server = execFileSync(natsServer, ['--version']).toString().trim();
  for (const [where, figures] of Object.entries(result)) {
    console.log(`${where}, ${events} events, ${rounds} rounds:`);
    for (const [way, runs] of Object.entries(figures)) {
      const rate = median(runs.map(({ events: count, seconds }) => count / seconds));
      const each = median(runs.map(({ events: count, serverCpu }) => (serverCpu / count) * 1e6));
      console.log(
        `  ${way}: ${(rate / 1000).toFixed(1)} k events/s; the servers ${each.toFixed(0)} µs of CPU an event`,
      );
    }
  }
  console.log('stored:', JSON.stringify(stored));
  const path = `${root}test/bench/runs/nats-${release()}.json`;
  const date = new Date().toISOString().slice(0, 10);
  writeFileSync(
    path,
    `${JSON.stringify({ machine: { ...machine, server, date }, events, rounds, result, stored, lag }, null, 1)}\n`,
  );
}

if (kind === 'awaited' || kind === 'core') {
  const nc = await connect({ servers: (url as string).split(',') });
  const js = jetstream(nc);
  const began = performance.now();
  if (kind === 'core') await loop('in', (line) => nc.publish('conn.here.connect', line));
  else await loop('few', (line) => js.publish('conn.here.connect', line, { msgID: String(JSON.parse(line).seq) }));
  await nc.flush();
  console.log((performance.now() - began) / 1000); // excludes process start-up, which the other measurements include
  await nc.close();
} else await bench(Number(process.argv[3] ?? 3));
