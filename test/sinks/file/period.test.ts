import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Period } from '../../../sinks/file/period.js';

test('periods start at whole multiples of their length, and never go back', () => {
  let now = Date.parse('2026-11-23T08:59:59.999Z');
  const period = new Period(900_000, () => now);
  const start = () => new Date(period.start).toISOString();
  assert.equal(start(), '2026-11-23T08:45:00.000Z');
  assert.equal(period.advance(), false);
  now += 1;
  assert.equal(period.advance(), true);
  assert.equal(start(), '2026-11-23T09:00:00.000Z');
  assert.equal(period.advance(), false);
  now -= 86_400_000; // the clock was set back
  assert.equal(period.advance(), false);
  assert.equal(start(), '2026-11-23T09:00:00.000Z');
  now += 2 * 86_400_000; // and set forward
  assert.equal(period.advance(), true);
  assert.equal(start(), '2026-11-24T09:00:00.000Z');
});

test('without a length there is one period', () => {
  let now = 5;
  const period = new Period(undefined, () => now);
  now = 1e12;
  assert.equal(period.advance(), false);
  assert.equal(period.start, 5);
});
