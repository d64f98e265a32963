import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LifeComparison } from './life-peers.js';
import { examine, kernels } from './matrix.js';

for (const kernel of kernels)
  test(`every line of tcplife, tcpretrans and tcpdrop is among ours, ${kernel}`, { timeout: 1_200_000 }, async () => {
    const { lines, wrong } = await examine<LifeComparison>(kernel, 'life-peers.ts');
    console.log(JSON.stringify(lines));
    assert.deepEqual(
      Object.entries(wrong).filter(([, list]) => list.length > 0),
      [],
    );
    for (const [name, least] of [
      ['tcplife', 15],
      ['tcpretrans', 10],
      ['tcpdrop', 10],
    ] as const)
      assert.ok((lines[name] ?? 0) >= least, `${name}: ${lines[name]} lines`);
  });
