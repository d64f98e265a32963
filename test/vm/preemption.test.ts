import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, kernels } from './matrix.js';
import type { Told } from './preemption.js';

const attempts = 30_000;

// on one kernel: others are the same in this
const kernel = kernels.at(-1) as string;
test(`a kernel that preempts: each attempt is told, or counted as lost, ${kernel}`, { timeout: 600_000 }, async () => {
  const boot = { kernel, append: 'preempt=full' };
  const { best, fentry, ...others } = await examine<Record<string, Told>>(boot, 'preemption.ts', String(attempts));
  console.log(JSON.stringify({ best, fentry, ...others }));
  assert.equal(best?.tier, 'kprobe');
  assert.match(best?.reasons?.join() ?? '', /^fentry: this kernel preempts/);
  for (const [tier, { events, lost }] of Object.entries({ best, ...others }))
    assert.deepEqual({ events, lost }, { events: attempts, lost: 0 }, tier);
  // forced: what it misses may be counted twice, but is counted
  const { events, lost, places } = fentry as Told;
  assert.ok(events < attempts && events + lost >= attempts, JSON.stringify(fentry));
  assert.deepEqual(places, ['attempt table', 'busy program']);
});
