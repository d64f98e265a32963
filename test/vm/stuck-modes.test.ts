import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ledger } from '../live/attempt-events.js';
import { examine, kernels } from './matrix.js';

const count = 200_000;

// on one kernel only: it takes minutes
const kernel = kernels.at(-1) as string;
test(`${count} connects and readers that are stopped, in the other modes, ${kernel}`, {
  timeout: 900_000,
}, async () => {
  const all = await examine<Record<string, Ledger>>(kernel, 'stuck-modes.ts', String(count));
  assert.deepEqual(Object.keys(all), ['attempt, fentry', 'attempt, kprobe', 'both, fentry', 'both, kprobe']);
  for (const [name, { attempts, connects, open, lost, lostUpdates }] of Object.entries(all)) {
    console.log(`${name}: ${connects} connects, ${lost} and ${lostUpdates} updates lost`);
    assert.deepEqual({ attempts, open }, { attempts: count, open: 0 }, name);
    assert.equal(connects + (name.startsWith('both') ? lostUpdates : lost), count, name);
    assert.ok(lost > 0 && lost < count, name);
  }
});
