import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Counts } from './counts.js';
import { examine, kernels } from './matrix.js';

for (const kernel of kernels)
  test(`collector | aggregate --by saddr,daddr,dport, and the originals' -c, ${kernel}`, {
    timeout: 1_200_000,
  }, async () => {
    const { ours, theirs } = await examine<Counts>(kernel, 'counts.ts');
    assert.deepEqual(ours, [
      '- 192.0.2.1 9 6',
      '127.0.0.1 127.0.0.1 8080 9',
      '127.0.0.1 127.0.0.1 9 4',
      '127.0.0.1 127.0.0.2 8080 5',
      '::1 ::1 8080 3',
    ]);
    for (const [name, rows] of Object.entries(theirs)) {
      console.log(`${name}: ${rows.length} lines`);
      // they do not count attempts that fail before a SYN
      assert.deepEqual(rows, ours.slice(1), name);
    }
  });
