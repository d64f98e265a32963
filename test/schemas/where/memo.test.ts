import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { LineField } from '../../../schemas/pipe/line/line-field.js';
import { remembered } from '../../../schemas/where/memo.js';
import { connect } from '../../support/events.js';

const line = new Line();
const exeField = new LineField('exe');
const take = (exe: string | undefined, spaces = '') => {
  const bytes = Buffer.from(JSON.stringify(connect(exe === undefined ? {} : { exe })) + spaces);
  assert.equal(line.take(bytes, 0, bytes.length), undefined);
};

test('the memo returns what the test would, for more values than it has room for', () => {
  const asked: unknown[] = [];
  const test = (value: unknown) => {
    asked.push(value);
    return String(value).includes('1');
  };
  const holds = remembered(exeField, test, (one) => one.text(exeField));
  for (let i = 0; i < 20_000; i++) {
    const exe = `/${(i * 7919) % 6_000}`;
    take(exe, i % 100 === 0 ? ' ' : '');
    assert.equal(holds(line), exe.includes('1'), exe);
  }
  assert.ok(asked.length < 20_000, 'it remembers some');
  assert.ok(asked.every((value) => typeof value === 'string'));
});

test('any text, short or long, escaped or not, and no text', () => {
  const verdict = (value: unknown) => typeof value === 'string' && value.length % 2 === 0;
  const holds = remembered(exeField, verdict, (one) => one.text(exeField));
  const exe = fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
    fc.string({ minLength: 1, maxLength: 200, size: 'max' }),
  );
  fc.assert(
    fc.property(fc.option(exe, { nil: undefined }), (value) => {
      take(value);
      for (const _ of [1, 2]) assert.equal(holds(line), verdict(value));
    }),
    { numRuns: 3000 },
  );
});
