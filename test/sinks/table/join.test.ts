import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Line } from '../../../schemas/pipe/line/line.js';
import { AttemptJoiner } from '../../../sinks/table/join.js';
import type { Row } from '../../../sinks/table/writer.js';
import { connect } from '../../support/events.js';

const at = (second: number) => new Date(Date.UTC(2026, 10, 23, 8) + second * 1000).toISOString().replace('Z', '000Z');

function take(joiner: AttemptJoiner, type: string, id: number, second: number): string[] {
  const event = {
    ...connect({ id: String(id), ts: at(second) }),
    ...(type !== 'connect' && { type, start: at(second), result: type === 'pending' ? type : 'established' }),
    ...(type === 'outcome' && { latency_us: 1 }),
    ...(type === 'pending' && { waited_us: 1 }),
  };
  const bytes = Buffer.from(`${JSON.stringify(event)}\n`);
  const line = new Line();
  assert.equal(line.take(bytes, 0, bytes.length - 1), undefined);
  return names(joiner.take(line, { columns: [], texts: [`${type} ${id}`], state: 'other', day: '' }));
}
const names = (rows: Row[]) => rows.map(({ texts }) => texts[0] as string);

test('an outcome or a pending event replaces the connect event', () => {
  const joiner = new AttemptJoiner();
  assert.deepEqual(take(joiner, 'connect', 1, 0), []);
  assert.deepEqual(take(joiner, 'connect', 2, 0), []);
  assert.deepEqual(take(joiner, 'outcome', 1, 0), ['outcome 1']);
  assert.ok(joiner.holds);
  assert.deepEqual(take(joiner, 'pending', 2, 1), ['pending 2']);
  assert.ok(!joiner.holds);
  assert.deepEqual(take(joiner, 'outcome', 2, 9), ['outcome 2'], 'a pending attempt gets another row');
});

test('a connect event without an end is shown after 2 seconds of the events, in order', () => {
  const joiner = new AttemptJoiner();
  take(joiner, 'connect', 1, 0);
  take(joiner, 'connect', 2, 1);
  assert.deepEqual(take(joiner, 'outcome', 9, 2), ['outcome 9']);
  assert.deepEqual(take(joiner, 'outcome', 9, 3), ['connect 1', 'outcome 9']);
  assert.deepEqual(take(joiner, 'connect', 3, 10), ['connect 2']);
  assert.deepEqual(names(joiner.release()), ['connect 3']);
});

test('nothing is held back in a stream of connect events, until an outcome comes', () => {
  const joiner = new AttemptJoiner();
  assert.ok(joiner.patience < 1_000);
  assert.deepEqual(take(joiner, 'connect', 1, 0), []);
  assert.deepEqual(names(joiner.release()), ['connect 1']);
  assert.deepEqual(take(joiner, 'connect', 2, 0), ['connect 2']);
  assert.deepEqual(take(joiner, 'outcome', 2, 0), ['outcome 2']);
  assert.deepEqual(take(joiner, 'connect', 3, 0), []);
  assert.ok(joiner.patience > 1_000);
});

test('holds back a limited number of rows', () => {
  const joiner = new AttemptJoiner();
  take(joiner, 'outcome', 0, 0);
  let shown = 0;
  for (let id = 1; id <= 10_050; id++) shown += take(joiner, 'connect', id, 0).length;
  assert.equal(shown, 50);
  assert.equal(joiner.release().length, 10_000);
});
