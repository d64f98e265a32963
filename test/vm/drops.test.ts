import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tiers } from '../../dist/collector/addon.js';
import { examine, kernels } from './matrix.js';

for (const kernel of kernels)
  test(`reports why this machine dropped packets, in each tier, ${kernel}`, {
    timeout: 600_000,
  }, async () => {
    const wrong = await examine<Record<string, string[]>>(kernel, 'drops.ts');
    assert.deepEqual(wrong, Object.fromEntries(tiers.map((tier) => [tier, []])));
  });
