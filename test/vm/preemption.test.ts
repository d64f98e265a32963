import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, kernels } from './matrix.js';
import type { Seen } from './preemption.js';

const attempts = 30_000;

// on one kernel only: others do not differ in this
const kernel = kernels.at(-1) as string;
test(`on a preemptible kernel, each attempt is reported or counted as lost, ${kernel}`, {
  timeout: 600_000,
}, async () => {
  const boot = { kernel, append: 'preempt=full' };
  const { best, fentry, ...others } = await examine<Record<string, Seen>>(boot, 'preemption.ts', String(attempts));
  console.log(JSON.stringify({ best, fentry, ...others }));
  assert.equal(best?.tier, 'kprobe');
  assert.match(best?.reasons?.join() ?? '', /^fentry: this kernel preempts/);
  for (const [tier, { outcomes, lost }] of Object.entries({ best, ...others }))
    assert.deepEqual({ outcomes, lost }, { outcomes: attempts, lost: 0 }, tier);
  // a forced tier may count what it misses twice, but does count it
  const { outcomes, lost, places } = fentry as Seen;
  assert.ok(outcomes < attempts && outcomes + lost >= attempts, JSON.stringify(fentry));
  assert.deepEqual(places, ['attempt table', 'busy program']);
});
