import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { Status } from '../../dist/index.js';
import { live } from './live.js';
import type { Net } from './net.js';
import { Pipeline } from './pipeline.js';
import { until } from './wait.js';

const uid = 1_200_000 + process.pid;
const line = (options: string, then = '') =>
  `exec synpipe run 'collector --status --uid ${uid} ${options} | filter --dport 9 | sink-file out.ndjson${then}'`;

const events = (pipeline: Pipeline) =>
  pipeline
    .text()
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** The collectors whose command line has this test's user. */
const collectors = () =>
  readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`bin/collector\0--status\0--uid\0${uid}`)
      );
    } catch {
      return false;
    }
  });

/** Asserts that everything the collector wrote has arrived. Returns the number of outcomes. */
function complete(pipeline: Pipeline): number {
  const all = events(pipeline);
  const [start, end] = [all.at(0) as Status, all.at(-1) as Status];
  const outcomes = all.filter(({ type }) => type === 'outcome');
  assert.deepEqual([start.phase, end.phase, end.out], ['start', 'end', outcomes.length]);
  const numbered = all.filter(({ type }) => type === 'outcome' || type === 'pending');
  assert.deepEqual(
    numbered.map(({ seq }) => seq),
    numbered.map((_, i) => i + 1),
  );
  return outcomes.length;
}

async function running(net: Net, work: (pipeline: Pipeline) => Promise<void>, options = ''): Promise<Pipeline> {
  const traffic = net.start(['forever', '127.0.0.1', 9], uid);
  const pipeline = new Pipeline(line(options));
  await until('events to arrive', () => pipeline.text().includes('"outcome"'));
  await work(pipeline);
  await pipeline.ended;
  traffic.child.kill();
  assert.equal(pipeline.stderr, '');
  assert.deepEqual(collectors(), []);
  return pipeline;
}

live('when a collector in front of fused stages ends, so do they', async (net) => {
  const pipeline = await running(net, async () => {}, '-n 7');
  assert.equal(complete(pipeline), 7);
  assert.equal(pipeline.child.exitCode, 0);
});

live('Ctrl-C on the pipeline loses nothing', async (net) => {
  const pipeline = await running(net, async (pipeline) => pipeline.kill('SIGINT'));
  assert.ok(complete(pipeline) > 0);
  assert.equal(pipeline.child.exitCode, 0);
});

live('SIGTERM to the one process ends the collector too, and loses nothing', async (net) => {
  const pipeline = await running(net, async ({ child }) => void child.kill('SIGTERM'));
  assert.ok(complete(pipeline) > 0);
  assert.equal(pipeline.child.exitCode, 0);
});

live('stages that fail end the collector', async (net) => {
  const traffic = net.start(['forever', '127.0.0.1', 9], uid);
  const pipeline = new Pipeline(line('').replace('out.ndjson', '/dev/full'));
  await pipeline.ended;
  traffic.child.kill();
  assert.match(
    pipeline.stderr,
    /^sink-file: cannot write \/dev\/full: ENOSPC, \d+ lines? not written; free some space\n$/,
  );
  assert.equal(pipeline.child.exitCode, 1);
  assert.deepEqual(collectors(), []);
});

live('the exit code is that of the last stage, and a usage error starts nothing', async () => {
  const refused = new Pipeline(`exec synpipe run 'collector --cgroup no/such | filter'`);
  await refused.ended;
  assert.match(refused.stderr, /^collector: invalid --cgroup .*\n$/);
  assert.equal(refused.child.exitCode, 2);
  const command = new Pipeline(`exec synpipe run 'collector -- sh -c "exit 7" | filter | validate'`);
  await command.ended;
  assert.equal(command.child.exitCode, 7);
});
