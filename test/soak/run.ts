/**
 * The soak test: attempts of all kinds, a pipeline, and services that come and go.
 *     node --import tsx test/soak/run.ts --hours 2 --log soak.ndjson     (as root)
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { fresh } from '../live/folder.js';
import { NatsServer } from '../support/nats.js';
import { killGroup, size, undo, until } from '../support/process.js';
import { ok, Receiver } from '../support/receiver.js';
import { env } from '../support/shell.js';
import { Arrived, differences, failures, Ledger, lostOf, sum } from './ledger.js';
import { grown, type Sample, sample } from './samples.js';
import { here, isolate, Load, loaded, Resolver, disk as smallDisk } from './world.js';

const { values } = parseArgs({
  options: {
    hours: { type: 'string', default: '0.05' },
    log: { type: 'string', default: join(tmpdir(), 'soak.ndjson') },
  },
});
isolate();
const seconds = Number(values.hours) * 3600;
const every = Math.min(60, seconds / 18);
/** How often something happens to the pipeline, and how long an outage lasts (s). */
const period = Math.min(30, seconds / 8);
const outage = period / 2;

const linesIn = (path: string) => {
  const bytes = readFileSync(path);
  return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().split('\n').slice(0, -1);
};
const log = (line: object) =>
  appendFileSync(values.log, `${JSON.stringify({ ts: new Date().toISOString(), ...line })}\n`);

test(`soak: ${values.hours} hours`, async (t) => {
  writeFileSync(values.log, '');
  const net = loaded();
  undo(t, () => net.remove());
  const resolvers = { load: new Resolver(net), enrich: new Resolver(here) };
  for (const one of Object.values(resolvers)) {
    undo(t, () => one.down());
    await one.up();
  }
  const nats = await NatsServer.start(t);
  const http = new Arrived();
  const batches = new Set<string>();
  const receiver = await Receiver.start(t, (got, response, nth) => {
    receiver.got.length = 0;
    if (!batches.has(got.key)) for (const line of got.body.split('\n').slice(0, -1)) http.take(line);
    batches.add(got.key);
    ok(got, response, nth);
  });
  const normal = receiver.behaviour;

  const disk = smallDisk('96M');
  const folder = fresh('pipeline');
  for (const path of [folder, `${disk}/all`, `${disk}/failed`, `${disk}/closed`]) mkdirSync(path, { mode: 0o755 });
  const ended = (line: string) => `>(set -o pipefail; ${line}; echo "$? ${line.split(' ')[0]}" >> ends)`;
  const line = `set -o pipefail
collector --dns --report attempt,outcome,closed --netns ${net.inode} --status | enrich --keep-dns | tee \
  ${ended(`sink-http --gzip --spool http ${receiver.url}/`)} \
  ${ended(`sink-nats --create-stream SOAK --max-age 3m --spool nats ${nats.url}`)} \
  ${ended(`filter --type outcome --failed | aggregate --by dport,result --every 10s | sink-file --on-full block --rotate-every 1m --compress gzip ${disk}/failed/failed.ndjson`)} \
  ${ended(`filter --type closed | sink-file --on-full drop ${disk}/closed/closed.ndjson`)} |
  sink-file --on-full block --rotate-size 4M --rotate-every 1m ${disk}/all/all.ndjson`;
  const pipeline = spawn('bash', ['-c', line], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  undo(t, () => killGroup(pipeline));
  let stderr = '';
  pipeline.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
    log({ stderr: text.trim() });
  });
  const over = new Promise<number | null>((resolve) => pipeline.on('close', resolve));
  const pids = (...names: string[]) =>
    sample(pipeline.pid as number).filter(({ name }) => names.includes(name.split(' ')[0] as string));
  await until('the collector starts', () => size(`${disk}/all/all.ndjson`) > 0);

  const ledger = new Ledger();
  const closed = { lines: 0, dropped: 0 };
  /** Reads closed files and deletes them, to keep room on the disk. */
  const consume = (all = false) => {
    // tmpfs numbers files in the order in which they were made; their names depend on the clock
    const files = readdirSync(`${disk}/all`)
      .filter((name) => name.includes('@') || all)
      .map((name) => `${disk}/all/${name}`)
      .sort((a, b) => statSync(a).ino - statSync(b).ino);
    for (const path of files) {
      for (const line of linesIn(path)) ledger.take(line);
      unlinkSync(path);
    }
    for (const name of readdirSync(`${disk}/closed`).filter((name) => name !== 'closed.ndjson' || all)) {
      for (const event of linesIn(`${disk}/closed/${name}`).map((line) => JSON.parse(line)))
        if (event.type === 'closed') closed.lines++;
        else if (event.where === 'disk full') closed.dropped += event.count;
      unlinkSync(`${disk}/closed/${name}`);
    }
  };
  const load = [
    await Load.start(net, 'serve'),
    await Load.start(net, 'fork'),
    await Load.start(net, 'connect'),
  ] as const;

  const restart = async (service: { down(): Promise<unknown>; up(): Promise<unknown> }) => {
    await service.down();
    await sleep(outage * 1000);
    await service.up();
  };
  let turns = 0;
  const faults: [name: string, run: () => Promise<unknown>][] = [
    [
      'HTTP receiver down, then 503',
      async () => {
        await receiver.down();
        await sleep(outage * 500);
        receiver.behaviour = (_, response) => void response.writeHead(503).end();
        await receiver.up();
        await sleep(outage * 500);
        receiver.behaviour = normal;
      },
    ],
    [
      'HTTP receiver stores, but does not answer',
      async () => {
        receiver.behaviour = (got, response, nth) => {
          normal(got, response, nth);
          response.destroy();
        };
        await sleep(outage * 500);
        receiver.behaviour = normal;
      },
    ],
    ['NATS down', () => restart({ down: () => nats.down('SIGTERM'), up: () => nats.up() })],
    ['resolver of the programs down', () => restart(resolvers.load)],
    [
      'resolver of the programs does not answer',
      async () => {
        resolvers.load.kill('SIGSTOP');
        await sleep(outage * 500);
        resolvers.load.kill('SIGCONT');
      },
    ],
    ['resolver of enrich down', () => restart(resolvers.enrich)],
    [
      'disk full',
      async () => {
        try {
          for (;;) appendFileSync(`${disk}/ballast`, Buffer.alloc(4096));
        } catch {}
        await sleep(outage * 500);
        unlinkSync(`${disk}/ballast`);
      },
    ],
    [
      'files moved, SIGHUP',
      async () => {
        renameSync(`${disk}/closed/closed.ndjson`, `${disk}/closed/${turns}`);
        for (const { pid } of pids('sink-file', 'sink-http', 'sink-nats', 'enrich')) process.kill(pid, 'SIGHUP');
      },
    ],
  ];
  const samples: Sample[][] = [];
  const start = performance.now();
  const disturbed = (async () => {
    for (; performance.now() < start + (seconds - period) * 1000; turns++) {
      const due = start + (turns + 1) * period * 1000;
      const [name, run] = faults[turns % faults.length] as (typeof faults)[number];
      log({ fault: name });
      await run();
      await sleep(Math.max(0, due - performance.now()));
    }
  })();
  for (let turn = 1; turn * every <= seconds; turn++) {
    await sleep(start + turn * every * 1000 - performance.now());
    assert.equal(pipeline.exitCode, null, `the pipeline has ended: ${stderr}`);
    assert.ok(
      load.every(({ running }) => running),
      'the load generator has ended',
    );
    consume();
    samples.push(sample(pipeline.pid as number));
    const written = {
      attempts: sum(ledger.counts, 'attempts'),
      closed: sum(ledger.counts, 'closed'),
      dns: sum(ledger.counts, 'dns'),
    };
    log({
      processes: samples.at(-1),
      written,
      lost: ledger.lost,
      open: ledger.open.size,
      stray: ledger.stray,
      http: http.lines,
    });
  }
  await disturbed;

  const made = Object.assign({}, await load[2].end(), await load[1].end());
  await load[0].end();
  await sleep(6000); // look-ups that failed are reported up to 5 s late
  for (const { pid } of pids('collector')) process.kill(pid, 'SIGTERM');
  const code = await over;
  consume(true);
  const { nc, jsm } = await nats.client();
  const stored = (await jsm.streams.info('SOAK')).state.last_seq;
  await nc.close();
  const failed = readdirSync(`${disk}/failed`)
    .flatMap((name) => linesIn(join(disk, 'failed', name)))
    .map((line) => JSON.parse(line))
    .filter(({ type, where }) => type === 'summary' || where === 'late');
  const lost = { attempts: lostOf(ledger.lost, 'attempts'), closed: lostOf(ledger.lost, 'closed') };
  const ends = readFileSync(join(folder, 'ends'), 'utf8').trim().split('\n').sort();
  const result = {
    made: { attempts: sum(made, 'attempts'), closed: sum(made, 'closed'), dns: sum(made, 'dns') },
    lost: ledger.lost,
    lines: { file: ledger.lines, http: http.lines, nats: stored },
    names: ledger.names,
    odd: ledger.odd,
    turns,
  };
  log({ made, written: ledger.counts, status: ledger.status, result });
  console.log(JSON.stringify(result));

  assert.deepEqual([code, ends], [0, ['0 filter', '0 filter', '0 sink-http', '0 sink-nats']]);
  const message = /^(collector|enrich|filter|aggregate|sink-file|sink-http|sink-nats): /;
  assert.deepEqual(
    stderr
      .trim()
      .split('\n')
      .filter((line) => !message.test(line)),
    [],
  );
  assert.deepEqual(ledger.odd, []);
  assert.deepEqual(differences(made, ledger), []);
  for (const { missing, repeated } of [ledger.seqs, http.seqs])
    assert.deepEqual({ missing, repeated }, { missing: 0, repeated: 0 });
  assert.deepEqual(result.lines, { file: ledger.lines, http: ledger.lines, nats: ledger.lines });
  assert.equal(ledger.stray, 0);
  assert.ok(ledger.started.size <= lost.attempts && ledger.open.size <= lost.closed, 'what is open at the end is lost');
  assert.equal(ledger.names.wrong, 0);
  assert.equal(
    failed.reduce((all, { count }) => all + count, 0),
    failures(ledger.counts),
  );
  assert.equal(closed.lines + closed.dropped, sum(ledger.counts, 'closed'));
  // before that, a part of the run has other faults than the next part, and the commands are not warm
  if (seconds >= 3 * faults.length * period) assert.deepEqual(grown(samples), []);
});
