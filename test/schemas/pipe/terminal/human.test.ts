import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bytes, count, duration, rate, shortCount } from '../../../../schemas/pipe/terminal/human.js';

const cases = (name: string, format: (value: number) => string, expected: [number, string][]) =>
  test(name, () => {
    for (const [value, text] of expected) assert.equal(format(value), text, String(value));
  });

cases('durations have three digits at most, or two units', duration, [
  [0, '0 µs'],
  [53, '53 µs'],
  [999, '999 µs'],
  [1_000, '1.0 ms'],
  [1_249, '1.2 ms'],
  [9_949, '9.9 ms'],
  [9_950, '10 ms'],
  [31_400, '31 ms'],
  [999_499, '999 ms'],
  [999_500, '1.00 s'],
  [7_140_000, '7.14 s'],
  [9_994_999, '9.99 s'],
  [9_995_000, '10.0 s'],
  [12_300_000, '12.3 s'],
  [59_949_999, '59.9 s'],
  [59_950_000, '1 m 0 s'],
  [250_000_000, '4 m 10 s'],
  [3_599_400_000, '59 m 59 s'],
  [3_599_500_000, '1 h 0 m'],
  [11_100_000_000, '3 h 5 m'],
  [86_369_999_999, '23 h 59 m'],
  [86_370_000_000, '1 d 0 h'],
  [187_200_000_000, '2 d 4 h'],
]);

cases('counts are grouped', count, [
  [0, '0'],
  [999, '999'],
  [1_000, '1,000'],
  [1_234_567, '1,234,567'],
]);

cases('short counts have at most five characters', shortCount, [
  [812, '812'],
  [1_000, '1.0 k'],
  [9_949, '9.9 k'],
  [9_950, '10 k'],
  [45_400, '45 k'],
  [999_499, '999 k'],
  [999_500, '1.0 M'],
  [3_100_000, '3.1 M'],
]);

cases('rates', rate, [
  [0.25, '0.3'],
  [9.94, '9.9'],
  [9.96, '10'],
  [1_234, '1.2 k'],
]);

cases('sizes', bytes, [
  [812, '812 B'],
  [12_345, '12 kB'],
  [1_500_000, '1.5 MB'],
  [2e21, '2000 EB'],
]);
