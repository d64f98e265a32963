import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, kernels } from './matrix.js';

for (const kernel of kernels)
  test(`attempts while 16 calls wait, in each tier, ${kernel}`, { timeout: 600_000 }, async () => {
    const wanted = { lost: 0, established: 5, ECONNREFUSED: 5, ENETUNREACH: 5 };
    const reported = await examine<Record<string, Record<string, number>>>(kernel, 'crowd.ts');
    assert.deepEqual(reported, { fentry: wanted, kprobe: wanted, tracepoint: wanted });
  });
