import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, date, duration, shorten, zone } from '../../../sinks/web/page/texts.js';

test('durations have a unit, the significant digits asked for, and no exponent', () => {
  const ms = [
    0, 0.0004, 0.051, 0.9996, 1, 9.996, 100, 142.6, 999.4, 999.6, 1012.3, 7140, 59_949, 59_950, 125_400, 7.3e6,
  ];
  assert.deepEqual(
    ms.map((one) => duration(one)),
    [
      '0 µs',
      '0 µs',
      '51 µs',
      '1.00 ms',
      '1.00 ms',
      '10.0 ms',
      '100 ms',
      '143 ms',
      '999 ms',
      '1.00 s',
      '1.01 s',
      '7.14 s',
      '59.9 s',
      '1 m 0 s',
      '2 m 5 s',
      '2 h 1 m',
    ],
  );
  assert.deepEqual(
    [0.0512, 0.1149, 1.234, 99.6, 142.6, 996, 7140].map((one) => duration(one, 2)),
    ['51 µs', '110 µs', '1.2 ms', '100 ms', '140 ms', '1.0 s', '7.1 s'],
  );
});

test('a long name is shortened in its middle, so that its port stays', () => {
  assert.equal(shorten('api.example.com:443', 19), 'api.example.com:443');
  assert.equal(shorten('api.example.com:443', 13), 'api.ex…om:443');
  assert.deepEqual([...shorten('😀😀😀😀😀', 3)], ['😀', '…', '😀']);
});

test('times have 24 hours and an ISO date', () => {
  const at = new Date(2026, 10, 3, 15, 4, 5, 6).getTime();
  assert.equal(`${date(at)} ${clock(at, true)}`, '2026-11-03 15:04:05.006');
  assert.equal(clock(new Date(2026, 0, 1).getTime()), '00:00:00');
  assert.match(zone(at), /^UTC([+−]\d\d:\d\d)?$/);
});
