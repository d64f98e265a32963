import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, kernels } from './matrix.js';
import type { Written } from './stuck.js';

const attempts = 200_000;

// on one kernel only: it takes a minute
const kernel = kernels.at(-1) as string;
test(`${attempts} connects and readers that are stopped: outcomes + lost, ${kernel}`, {
  timeout: 600_000,
}, async () => {
  const tiers = await examine<Record<string, Written>>(kernel, 'stuck.ts', String(attempts));
  assert.deepEqual(Object.keys(tiers), ['fentry', 'kprobe']);
  for (const [tier, { outcomes, gaps, lost, status }] of Object.entries(tiers)) {
    console.log(`${tier}: ${outcomes} outcomes, ${lost} lost`);
    assert.ok(lost > 0 && outcomes > 10_000, `${tier}: ${outcomes} outcomes, ${lost} lost`);
    assert.deepEqual({ all: outcomes + lost, gaps }, { all: attempts, gaps: 0 }, tier);
    const { updates } = status;
    assert.deepEqual(status, { in: attempts, out: outcomes, lost, pending: 0, updates, lost_updates: 0 }, tier);
  }
});
