import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { width } from '../../../schemas/pipe/terminal/shorten.js';
import type { Column } from '../../../sinks/table/column.js';
import { attemptColumns } from '../../../sinks/table/fields.js';
import { fitting, fittingRow, growing, growingRow } from '../../../sinks/table/layout.js';

const columns = attemptColumns((ts) => ts, false) as Column<never>[];
const names = (limit: number) => fitting(columns, limit).map(({ column }) => column.name);
const plain = (text: string) => text;

test('columns by width', () => {
  const always = ['dest', 'dport', 'result'];
  assert.deepEqual(names(30), always);
  assert.deepEqual(names(44), ['process', ...always]);
  assert.deepEqual(names(53), ['time', 'process', ...always]);
  assert.deepEqual(names(61), ['time', 'pid', 'process', ...always]);
  assert.deepEqual(names(71), ['time', 'pid', 'process', 'dest', 'dport', 'latency', 'result']);
  assert.deepEqual(names(120), names(71), 'more room first goes to these');
  assert.ok(names(145).includes('source'));
  assert.deepEqual(names(200).slice(2, 6), ['process', 'user', 'exe', 'source']);
});

test('a row fits exactly, whatever the width', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '.', ':4', ' '), maxLength: 60, size: 'max' });
  const texts = fc.array(text, { minLength: columns.length, maxLength: columns.length });
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 250 }), texts, texts, (limit, texts, before) => {
      const placed = fitting(columns, limit, before.map(width));
      assert.ok(placed.reduce((sum, { width }) => sum + width + 1, -1) <= limit);
      assert.ok(width(fittingRow(placed, texts, plain)) <= limit);
    }),
  );
});

test('growing columns are never shortened, and grow up to a limit', () => {
  const placed = growing(columns);
  const row = (dest: string) =>
    growingRow(
      placed,
      columns.map(({ name }) => (name === 'dest' ? dest : 'x')),
      plain,
    );
  assert.match(row('a'.repeat(50)), / a{50} x/);
  assert.match(row('b'), / b {50}x/, 'the next row is aligned to it');
  assert.match(row('c'.repeat(100)), / c{100} x/);
  assert.match(row('d'), / d {50}x/, 'but not to one that is too long');
});
