import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { statuses } from './collect.js';
import { fresh } from './folder.js';
import { live } from './live.js';
import type { Net } from './net.js';
import { cgroupOf, gone, type Run, trace } from './traced.js';
import { until } from './wait.js';

/** A command that prints a line when it runs, and then sleeps. */
async function sleeping(net: Net, more: { group?: true } = {}): Promise<Run> {
  return saying(trace(net, ['--status', '--', 'sh', '-c', 'echo on; exec sleep 1000'], more));
}

/** A command that keeps running after Ctrl-C, until `end` is called. */
async function lasting(net: Net, more: { group?: true } = {}): Promise<{ run: Run; end: () => void }> {
  const done = fresh('done');
  const script = `trap '' INT; echo on; until [ -e ${done} ]; do sleep 0.1; done`;
  const run = await saying(trace(net, ['--status', '--', 'sh', '-c', script], more));
  return { run, end: () => writeFileSync(done, '') };
}

async function saying(run: Run): Promise<Run> {
  await until('it runs', () => run.stderr() === 'on\n');
  return run;
}

live('SIGTERM to the collector ends the command', async (net) => {
  const run = await sleeping(net);
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 143);
  assert.equal(statuses(run.lines()).length, 2);
  await gone(run);
});

live('SIGINT to the whole group, as from Ctrl-C, ends both', async (net) => {
  const run = await sleeping(net, { group: true });
  process.kill(-(run.child.pid as number), 'SIGINT');
  assert.equal(await run.ended, 130);
  assert.equal(statuses(run.lines()).length, 2);
  await gone(run);
});

live('a command that survives Ctrl-C is still traced, however often it is pressed', async (net) => {
  const { run, end } = await lasting(net, { group: true });
  for (let i = 0; i < 3; i++) {
    process.kill(-(run.child.pid as number), 'SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  end();
  assert.equal(await run.ended, 0);
  assert.equal(statuses(run.lines()).length, 2);
  await gone(run);
});

live('after SIGKILL of the collector, the cgroup is removed once the command exits', async (net) => {
  const { run, end } = await lasting(net);
  assert.ok(existsSync(cgroupOf(run)));
  run.child.kill('SIGKILL');
  assert.equal(await run.ended, 'SIGKILL');
  end();
  await gone(run);
});
