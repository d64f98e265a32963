import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, duration } from '../../../schemas/pipe/units.js';

test('sizes', () => {
  assert.deepEqual(['1', '4096', '64K', '100M', '2G', '1T'].map(bytes), [1, 4096, 65536, 104857600, 2 ** 31, 2 ** 40]);
});

test('times, in milliseconds', () => {
  assert.deepEqual(['1ms', '30s', '5m', '1h', '7d'].map(duration), [1, 30_000, 300_000, 3_600_000, 604_800_000]);
});

test('what is neither is refused', () => {
  for (const text of ['', '0', '0K', '-1', '1k', '1.5M', 'M', '1 M', '9999999T', '1e3'])
    assert.throws(() => bytes(text), /wants a size/);
  for (const text of ['', '0s', '5', '-1s', '1.5h', 's', '1w', '99999999999d'])
    assert.throws(() => duration(text), /wants a time/);
});
