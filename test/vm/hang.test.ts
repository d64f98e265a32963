import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examine, kernels } from './matrix.js';

const ways = 7;
for (const kernel of kernels)
  for (const why of ['silent', 'dropped'])
    test(`attempts that hang, in each tier: ${why}, ${kernel}`, { timeout: 600_000 }, async () => {
      // over both IP versions, before the collectors start and later
      assert.equal(await examine<number>(kernel, 'hang.ts', why), ways * 4);
    });
