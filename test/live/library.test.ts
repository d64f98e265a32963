import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { collector, events, filter } from 'synpipe';
import { onExit } from './folder.js';
import { live } from './live.js';
import { until } from './wait.js';

const uid = 1_000_000 + process.pid;

/** The collectors that this process has started. */
const children = () =>
  readdirSync('/proc').filter((pid) => {
    try {
      const status = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/status`, 'utf8') : undefined;
      if (!status?.includes(`\nPPid:\t${process.pid}\n`) || status.includes('\nState:\tZ')) return false;
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('bin/collector');
    } catch {
      return false;
    }
  });

onExit(() => {
  for (const pid of children()) process.kill(Number(pid), 'SIGKILL');
});

live('a program reads events; leaving the loop ends the collector', async (net) => {
  const traffic = net.start(['forever', '127.0.0.1', 9], uid);
  const seen = [];
  for await (const event of events(collector({ uid }), filter({ dport: 9 }))) {
    assert.equal(children().length, 1);
    seen.push(event);
    if (seen.length === 5) break;
  }
  traffic.child.kill();
  assert.deepEqual(
    seen.map((event) => event.type === 'outcome' && [event.seq, event.uid, event.netns, event.dport]),
    [1, 2, 3, 4, 5].map((seq) => [seq, uid, net.inode, 9]),
  );
  await until('the child has ended', () => children().length === 0);
});

live('an error in the loop ends the collector too', async (net) => {
  const traffic = net.start(['forever', '127.0.0.1', 9], uid);
  await assert.rejects(async () => {
    for await (const _ of events(collector({ uid }))) throw new Error('mine');
  }, /mine/);
  traffic.child.kill();
  await until('the child has ended', () => children().length === 0);
});

live('leaving the loop ends the collector even if no more events arrive', async () => {
  for await (const { type } of events(collector({ uid: 4_000_000_000, status: true }))) {
    assert.equal(type, 'status');
    break;
  }
  try {
    await until('the child has ended', () => children().length === 0, 20);
  } finally {
    for (const pid of children()) process.kill(Number(pid), 'SIGKILL'); // or this process would never exit
  }
});

live('the loop ends when the collector does', async (net) => {
  const traffic = net.start(['forever', '127.0.0.1', 9], uid);
  let count = 0;
  for await (const _ of events(collector({ uid, count: 3 }))) count++;
  traffic.child.kill();
  assert.equal(count, 3);
});

live('if the collector refuses to run, the loop throws', async () => {
  await assert.rejects(async () => {
    for await (const _ of events(collector({ tier: 'none' }))) break;
  }, /invalid tier/);
});
