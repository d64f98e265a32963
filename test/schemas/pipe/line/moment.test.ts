import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isoText, micros, momentText } from '../../../../schemas/pipe/line/moment.js';

test('a time in µs and its text; fractions of a µs are cut', () => {
  for (const [us, text] of [
    [0, '1970-01-01T00:00:00.000000Z'],
    [1_763_885_730_123_456, '2025-11-23T08:15:30.123456Z'],
    [1_763_885_730_123_006, '2025-11-23T08:15:30.123006Z'],
    [-1, '1969-12-31T23:59:59.999999Z'],
  ] as const) {
    assert.equal(momentText(us), text);
    assert.equal(micros(text), us);
  }
  assert.equal(momentText(4_666_666_666.75), '1970-01-01T01:17:46.666666Z');
  assert.equal(momentText(999.9), '1970-01-01T00:00:00.000999Z');
});

test('a time before the year 0 or after 9999 becomes the nearest that a ts can represent', () => {
  assert.equal(isoText(Date.parse('0000-01-01T00:00:00Z') - 1), '0000-01-01T00:00:00.000Z');
  assert.equal(isoText(Date.parse('9999-12-31T23:59:59.999Z') + 1), '9999-12-31T23:59:59.999Z');
  assert.match(momentText(-1e18), /^0000-01-01T00:00:00\.000\d{3}Z$/);
});
