import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { generate } from '../../support/generate.js';
import { folder, proc, start } from '../../support/process.js';

const day = 86_400;
const allowed = 24 * 1024; // kB: what a garbage-collected heap may grow between two readings

for (const [what, ...argv] of [
  [
    'ten-second windows',
    'aggregate',
    '--by',
    'comm,daddr,dport',
    '--every',
    '10s',
    '--measure',
    'count,latency,distinct:sport',
  ],
  ['sliding windows', 'aggregate', '--by', 'comm', '--every', '1h', '--step', '5m'],
  [
    'more groups than are kept',
    'aggregate',
    '--by',
    'sport,daddr,pid',
    '--max-groups',
    '1000',
    '--measure',
    'count,latency',
  ],
  ['dedupe', 'dedupe', '--by', 'sport,daddr,pid', '--max-keys', '1000'],
] as const) {
  test(`memory stays flat over a day of events; ${what}`, async (t) => {
    const { child, ended } = start(t, [...argv], folder(t));
    child.stdout?.resume();
    const count = 400_000; // by half of it, V8's heap for new objects is fully grown
    let early = 0;
    let text = '';
    let sent = 0;
    for (const line of generate({ count, seconds: day, addresses: 2_000 })) {
      text += `${line}\n`;
      if (++sent % 1_000 !== 0) continue;
      if (child.stdin?.write(text) === false) await once(child.stdin, 'drain');
      text = '';
      if (sent === count / 2) early = proc(child.pid, 'status', 'VmHWM');
    }
    const late = proc(child.pid, 'status', 'VmHWM');
    child.stdin?.end(text);
    assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
    assert.ok(late - early < allowed, `${early} kB after twelve hours, ${late} kB after 24`);
  });
}
