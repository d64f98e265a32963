import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tiers } from '../../dist/collector/addon.js';
import { examine, kernels } from './matrix.js';

for (const kernel of kernels)
  test(`connections that end in each way, in each tier: ${kernel}`, { timeout: 900_000 }, async () => {
    const wrong = await examine<Record<string, string[]>>(kernel, 'closed.ts', '30000');
    assert.deepEqual(wrong, Object.fromEntries(tiers.map((tier) => [tier, []])));
  });
