import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { statuses } from './collect.js';
import { live } from './live.js';
import type { Net } from './net.js';
import { cgroupOf, gone, type Run, trace } from './traced.js';
import { until } from './wait.js';

/** A command that has said so, and then sleeps. */
async function sleeping(net: Net, seconds: number, more: { group?: true } = {}, before = ''): Promise<Run> {
  const run = trace(net, ['--status', '--', 'sh', '-c', `${before} echo on; exec sleep ${seconds}`], more);
  await until('it runs', () => run.stderr() === 'on\n');
  return run;
}

live('SIGTERM to the collector ends the command', async (net) => {
  const run = await sleeping(net, 1000);
  run.child.kill('SIGTERM');
  assert.equal(await run.ended, 143);
  assert.equal(statuses(run.lines()).length, 2);
  await gone(run);
});

live('SIGINT to the whole group, as by Ctrl-C, ends both', async (net) => {
  const run = await sleeping(net, 1000, { group: true });
  process.kill(-(run.child.pid as number), 'SIGINT');
  assert.equal(await run.ended, 130);
  assert.equal(statuses(run.lines()).length, 2);
  await gone(run);
});

live('a command that lives on after Ctrl-C is traced on, however often', async (net) => {
  const run = await sleeping(net, 3, { group: true }, `trap '' INT;`);
  for (let i = 0; i < 3; i++) {
    process.kill(-(run.child.pid as number), 'SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  assert.equal(await run.ended, 0);
  assert.equal(statuses(run.lines()).length, 2);
  await gone(run);
});

live('after SIGKILL of the collector the cgroup goes with the command', async (net) => {
  const run = await sleeping(net, 3);
  assert.ok(existsSync(cgroupOf(run)));
  run.child.kill('SIGKILL');
  assert.equal(await run.ended, 'SIGKILL');
  await gone(run);
});
