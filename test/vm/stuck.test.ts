import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, kernels } from './matrix.js';
import type { Told } from './stuck.js';

const attempts = 200_000;

// on one kernel: it takes a minute
const kernel = kernels.at(-1) as string;
test(`${attempts} connects and readers that are stopped: events + lost, ${kernel}`, { timeout: 600_000 }, async () => {
  const tiers = await examine<Record<string, Told>>(kernel, 'stuck.ts', String(attempts));
  assert.deepEqual(Object.keys(tiers), ['fentry', 'kprobe']);
  for (const [tier, { events, gaps, lost, status }] of Object.entries(tiers)) {
    console.log(`${tier}: ${events} told, ${lost} lost`);
    assert.ok(lost > 0 && events > 10_000, `${tier}: ${events} told, ${lost} lost`);
    assert.deepEqual({ all: events + lost, gaps }, { all: attempts, gaps: 0 }, tier);
    assert.deepEqual(status, { in: attempts, out: events, lost }, tier);
  }
});
