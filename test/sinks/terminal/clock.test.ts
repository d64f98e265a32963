import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Clock } from '../../../sinks/terminal/clock.js';

const now = new Date('2026-11-23T23:30:00Z');

function inZone<T>(zone: string, does: () => T): T {
  const before = process.env.TZ;
  process.env.TZ = zone;
  try {
    return does();
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
}

test('local time, with the date if it is not today', () => {
  inZone('Asia/Kolkata', () => {
    const clock = new Clock(false, now);
    assert.equal(clock.today, '2026-11-24');
    assert.equal(clock.dateAndTime('2026-11-23T23:31:12.999999Z'), '05:01:12');
    assert.equal(clock.dateAndTime('2026-11-23T08:15:30.000001Z'), '2026-11-23 13:45:30');
    assert.equal(clock.time('2026-11-23T08:15:31.000001Z'), '13:45:31');
    assert.equal(clock.day('2026-11-23T18:30:00.000000Z'), '2026-11-24');
  });
});

test('daylight saving time changes at the right minute', () => {
  inZone('Europe/Berlin', () => {
    const clock = new Clock(false, now);
    assert.equal(clock.time('2026-10-25T00:59:59.000000Z'), '02:59:59');
    assert.equal(clock.time('2026-10-25T01:00:00.000000Z'), '02:00:00');
  });
});

test('UTC', () => {
  inZone('Asia/Kolkata', () => {
    const clock = new Clock(true, now);
    assert.equal(clock.today, '2026-11-23');
    assert.equal(clock.dateAndTime('2026-11-23T08:15:30.000001Z'), '08:15:30');
    assert.equal(clock.dateAndTime('2026-11-22T08:15:30.000001Z'), '2026-11-22 08:15:30');
  });
});
