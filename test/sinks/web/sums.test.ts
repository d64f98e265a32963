import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Model } from '../../../sinks/web/page/model.js';
import { graphData, quantile, series } from '../../../sinks/web/page/sums.js';
import { connect } from '../../support/events.js';

const some = fc.array(
  fc.record({
    id: fc.nat(50).map(String),
    type: fc.constantFrom('connect', 'pending', 'outcome'),
    second: fc.nat(5_000),
    comm: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
    dport: fc.nat(9),
    result: fc.constantFrom('established', 'refused', 'timeout'),
    latency_us: fc.nat(1_000_000),
  }),
  { minLength: 1, maxLength: 200, size: 'max' },
);
const start = Date.parse('2026-11-23T08:00:00Z');

function filled(events: { type: string; second: number }[], keep = 1e6): Model {
  const model = new Model();
  model.keep = keep;
  for (const { second, type, ...event } of events) {
    const ts = new Date(start + second * 1000).toISOString();
    const { result: _, latency_us: __, ...early } = event as Record<string, unknown>;
    const waits = { ...early, start: ts, result: 'pending', waited_us: 0 };
    const own = { connect: early, pending: waits, outcome: event }[type];
    model.add(JSON.stringify({ ...connect(), ...own, type, ts }));
  }
  return model;
}

test('every attempt is in one time step, on one band, and at both of its ends', () => {
  fc.assert(
    fc.property(some, fc.integer({ min: 2, max: 4 }), (events, most) => {
      const all = filled(events).select(() => true);
      const { time, step, all: rate, failed } = series(all, start - 10_000, start + 5_000_000);
      assert.ok(time.length <= 241);
      const sum = (rates: number[]) => Math.round(rates.reduce((total, one) => total + one * step, 0));
      const failures = all.filter((one) => one.failed).length;
      assert.deepEqual([sum(rate), sum(failed)], [all.length, failures]);
      const { left, right, bands } = graphData(all, { left: most, right: most });
      for (const shares of [left, right, bands]) {
        assert.equal(
          shares.reduce((total, { count }) => total + count, 0),
          all.length,
        );
        assert.equal(
          shares.reduce((total, share) => total + share.failed, 0),
          failures,
        );
      }
      assert.ok(left.length <= most && right.length <= most);
    }),
  );
});

test('the model keeps at most the requested number of lines, the last ones', () => {
  fc.assert(
    fc.property(some, fc.integer({ min: 1, max: 30 }), (events, keep) => {
      const kept = filled(events, keep).select(() => true);
      const lines = kept.reduce((total, one) => total + one.lines.length, 0);
      assert.ok(lines <= keep && (lines > 0 || keep < 2), `${lines} of ${keep}`);
    }),
  );
});

test('an outcome completes its connect, and stands alone without one', () => {
  const model = filled([]);
  model.add(JSON.stringify({ ...connect({ id: '1' }) }));
  model.add(JSON.stringify({ ...connect({ id: '1' }), type: 'outcome', result: 'refused', latency_us: 80 }));
  model.add(JSON.stringify({ ...connect({ id: '2' }), type: 'outcome', result: 'established', latency_us: 90 }));
  const shown = model
    .select(() => true)
    .map(({ result, failed, ms, lines }) => ({ result, failed, ms, lines: lines.length }));
  assert.deepEqual(shown, [
    { result: 'refused', failed: true, ms: 0.08, lines: 2 },
    { result: 'established', failed: false, ms: 0.09, lines: 1 },
  ]);
});

const base = Date.parse('2026-11-23T08:00:00Z');
const time = (seconds: number) => new Date(base + seconds * 1000).toISOString().replace('Z', '000Z');
const pending = (id: string, start: number, at: number, more: object = {}) =>
  JSON.stringify({
    ...connect({ id, ts: time(at) }),
    type: 'pending',
    start: time(start),
    result: 'pending',
    waited_us: (at - start) * 1e6,
    ...more,
  });
const outcome = (id: string, start: number, at: number, more: object = {}) =>
  JSON.stringify({
    ...connect({ id, ts: time(at) }),
    type: 'outcome',
    start: time(start),
    result: 'timeout',
    latency_us: (at - start) * 1e6,
    ...more,
  });
const view = (model: Model) =>
  model.select(() => true).map((one) => `${one.key.trim()} ${one.type} ${one.at - base} ${one.lines.length}`);

test('a waiting attempt is one row, at the time of its call; its outcome replaces it', () => {
  const model = new Model();
  model.add(pending('1', 0, 1));
  model.add(JSON.stringify(connect({ id: '2', ts: time(1) })));
  model.add(pending('1', 0, 2));
  assert.deepEqual(view(model), ['2 connect 1000 1', '1 pending 0 1']);
  model.add(pending('2', 1, 2));
  assert.deepEqual(view(model), ['1 pending 0 1', '2 pending 1000 2']);
  model.add(outcome('1', 0, 21));
  model.add(outcome('2', 1, 22));
  assert.deepEqual(view(model), ['1 outcome 0 1', '2 outcome 1000 2']);
  assert.equal(model.newest, base + 22_000);
  model.add(pending('1', 0, 21)); // out of order: the attempt has ended
  model.add(outcome('1', 0, 21)); // delivered twice
  assert.deepEqual(view(model), ['1 outcome 0 1', '2 outcome 1000 2']);
  model.add(pending('1', 30, 31));
  model.add(pending('1', 30, 31, { host: 'web-1' }));
  assert.deepEqual(view(model).slice(2), ['1 pending 30000 1', '1 web-1 pending 30000 1']);
  model.end(['1 web-1']);
  model.retain(new Set(['9 ']));
  assert.deepEqual(view(model).length, 2);
  model.add(outcome('1', 40, 41)); // the same socket again
  assert.deepEqual(view(model).at(-1), '1 outcome 40000 1');
});

test('the newest figures of a connection are a line of its attempt, and change nothing else', () => {
  const model = new Model();
  const figures = (type: string, id: string, bytes_sent: number) =>
    JSON.stringify({ ...connect({ id, ts: time(9) }), type, bytes_sent, bytes_received: 0 });
  model.add(figures('closed', '1', 1)); // its attempt is not known
  model.add(outcome('1', 0, 1, { result: 'established' }));
  model.add(figures('open', '1', 2));
  model.add(figures('closed', '1', 3));
  model.add(pending('2', 0, 1));
  model.add(figures('open', '2', 4)); // late: the attempt waits
  assert.deepEqual(view(model), ['1 outcome 0 2', '2 pending 0 1']);
  assert.deepEqual(model.select(() => true)[0]?.lines[1], figures('closed', '1', 3));
  model.add(outcome('1', 10, 11)); // the same socket again
  assert.deepEqual(view(model)[1], '1 outcome 10000 1');
  model.keep = 3;
  model.add(figures('closed', '1', 5));
  assert.deepEqual(view(model), ['1 outcome 10000 2', '2 pending 0 1']);
});

test('waiting attempts stay longer than others, but are never more than half', () => {
  const model = new Model();
  model.keep = 10;
  model.add(pending('1', 0, 1));
  for (let i = 0; i < 100; i++) model.add(outcome(`9${i}`, 2, 3));
  assert.equal(view(model).at(-1), '1 pending 0 1');
  for (let i = 0; i < 100; i++) model.add(pending(`8${i}`, 4, 5));
  const [others, waits] = ['outcome', 'pending'].map((type) => view(model).filter((one) => one.includes(type)).length);
  assert.deepEqual([others, waits], [5, 5]);
  model.add(outcome('899', 4, 6));
  assert.equal(view(model).at(-5), '899 outcome 4000 1');
});

test('quantiles', () => {
  assert.equal(quantile([], 0.5), undefined);
  assert.equal(quantile([1, 2, 3, 4], 0.5), 3);
  assert.equal(quantile([1, 2, 3, 4], 0.99), 4);
});
