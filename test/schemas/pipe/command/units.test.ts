import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, duration, microseconds, time } from '../../../../schemas/pipe/command/units.js';

test('sizes are parsed in bytes', () => {
  assert.deepEqual(['1', '4096', '64K', '100M', '2G', '1T', '1k', '1KiB', '2mb'].map(bytes), [
    ...[1, 4096, 65536, 104857600, 2 ** 31, 2 ** 40, 1024, 1024, 2 ** 21],
  ]);
});

test('times, in milliseconds; a plain number is in seconds', () => {
  const texts = ['1ms', '30s', '5', '1.5', '5m', '1.5h', '7d', '1h30m', '1m500ms'];
  assert.deepEqual(texts.map(duration), [1, 30_000, 5000, 1500, 300_000, 5_400_000, 604_800_000, 5_400_000, 60_500]);
});

test('times in other units, rounded up', () => {
  assert.deepEqual(
    ['2.3s', '500us', '1µs', '0s'].map((text) => microseconds(text)),
    [2_300_000, 500, 1, 0],
  );
  const wait = time('ms', { from: '0ms', to: '60s' });
  assert.deepEqual(['0', '50ms', '5s', '1.5ms'].map(wait), [0, 50, 5000, 2]);
});

test('anything else is refused', () => {
  for (const text of ['', '0', '0K', '-1', '1x', '1.5M', 'M', '1 M', '9999999T', '1e3'])
    assert.throws(() => bytes(text), /use a size/);
  for (const text of ['', '-1s', 's', '1w', '1e3', '.5s', '1.s', ' 5s', '0.5us', '99999999999d'])
    assert.throws(() => duration(text), /use a time such as 500ms/);
  assert.throws(() => duration('0s'), /"0s": use a time of at least 1ms/);
  assert.throws(() => time('s', { from: '1s', to: '7d' })('8d'), /"8d": use a time from 1s to 7d/);
});
