import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { Sketch } from '../../../schemas/sketch.js';
import { Bounded } from '../../../sinks/terminal/bounded.js';
import { Clock } from '../../../sinks/top/clock.js';
import { History } from '../../../sinks/top/history.js';
import { columnsFor, divide } from '../../../sinks/top/layout.js';
import { Pace } from '../../../sinks/top/pace.js';
import { Rate } from '../../../sinks/top/rate.js';
import { Screen } from '../../../sinks/top/screen.js';
import { outcome } from './shown.js';

test('a sketch gives quantiles within 1 %', () => {
  const values = fc.array(fc.integer({ min: 0, max: 2 ** 40 }), { minLength: 1, maxLength: 200, size: 'max' });
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (all, q) => {
      const sketch = new Sketch();
      for (const value of all) sketch.add(value);
      const exact = all.toSorted((a, b) => a - b)[Math.floor(q * (all.length - 1))] as number;
      assert.ok(Math.abs((sketch.at(q) as number) - exact) <= exact * 0.0101, `${sketch.at(q)} for ${exact}`);
    }),
  );
  assert.equal(new Sketch().at(0.5), undefined);
});

test('a rate of events settles at that rate, from the start, and fades', () => {
  const rate = new Rate();
  let now = 1e12;
  const start = now;
  for (let i = 0; i < 600; i++) {
    rate.add(now, 1);
    now += 100_000;
    if (i > 50) assert.ok(Math.abs(rate.at(now, start) - 10) < 0.5, `${i}: ${rate.at(now, start)}`);
  }
  assert.ok(rate.at(now + 10e6, start) < 4 && rate.at(now + 120e6, start) < 0.001);
});

test('a full map drops the less important half', () => {
  const dropped: number[] = [];
  const map = new Bounded<{ n: number }>(
    4,
    ({ n }) => n,
    ({ n }) => dropped.push(n),
  );
  for (const n of [3, 1, 4, 2, 5]) map.at(`k${n}`, () => ({ n }));
  assert.deepEqual(
    [[...map.keys()], dropped],
    [
      ['k3', 'k4', 'k5'],
      [1, 2],
    ],
  );
  assert.equal(map.at('k3', () => ({ n: 0 })).n, 3);
});

test('the clock follows the events, and stops at the end', () => {
  let wall = 1_000;
  const clock = new Clock(2, () => wall);
  assert.equal(clock.now, 0);
  clock.seen(50_000);
  wall += 100;
  assert.equal(clock.now, 50_200, 'twice as fast');
  clock.seen(50_100);
  assert.equal(clock.now, 50_200, 'never back');
  clock.seen(60_000);
  clock.stop();
  wall += 100;
  assert.equal(clock.now, 60_000);
  const atOnce = new Clock(Number.POSITIVE_INFINITY, () => wall);
  atOnce.seen(70_000);
  wall += 1e9;
  assert.equal(atOnce.now, 70_000);
});

test('the history has the newest lines that fit, in order', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 60, size: 'max' }), (lengths) => {
      const history = new History(2_000);
      const line = new Line();
      const all = lengths.map((length, i) => JSON.stringify(outcome(i, { exe: `/${'x'.repeat(length % 250)}` })));
      for (const text of all) {
        const bytes = Buffer.from(text);
        assert.equal(line.take(bytes, 0, bytes.length), undefined);
        history.add(line);
      }
      const kept: string[] = [];
      history.each(({ buffer, start, end }) => kept.push(buffer.toString('utf8', start, end)));
      assert.deepEqual(kept, all.slice(all.length - kept.length));
      const bytes = kept.reduce((sum, text) => sum + text.length + 1, 0);
      assert.ok(
        bytes <= 2_000 && (kept.length === all.length || bytes > 700),
        `${kept.length} of ${all.length}: ${bytes}`,
      );
    }),
  );
});

test('lines are divided fairly', () => {
  assert.deepEqual(divide(10, [2, 9, 9, 0]), [2, 4, 4, 0]);
  assert.deepEqual(divide(3, [5, 5, 5, 5]), [1, 1, 1, 0]);
  assert.deepEqual(divide(50, [5, 1]), [5, 1]);
  assert.deepEqual(divide(-3, [5, 1]), [0, 0]);
});

test('columns fill the width, and the last ones go first', () => {
  const text = () => '';
  const all = [
    { title: 'A', share: 2, text },
    { title: 'B', width: 7, text },
    { title: 'C', share: 1, text },
  ];
  const widths = (room: number) => columnsFor(all, room).map(({ width }) => width);
  assert.deepEqual(widths(40), [20, 7, 11]);
  assert.deepEqual(widths(18), [10, 7]);
  assert.deepEqual(widths(12), [12]);
});

test('draws at most five times a second', () => {
  let now = 0;
  const pace = new Pace(() => now);
  const times: number[] = [];
  for (const pause of Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 334 : 0))) {
    now += pace.wait(pause);
    assert.equal(pace.wait(0), 0);
    pace.drew();
    times.push(now);
  }
  for (const [at, time] of times.entries()) if (at >= 5) assert.ok(time - (times[at - 5] as number) >= 1_000);
  assert.equal(times[0], 0);
});

test('only changed lines are drawn', () => {
  const screen = new Screen();
  assert.equal(screen.draw(['a', 'b']), '\x1b[2J\x1b[1;1H\x1b[2Ka\x1b[2;1H\x1b[2Kb\x1b[H');
  assert.equal(screen.draw(['a', 'b']), '');
  assert.equal(screen.draw(['a', 'c']), '\x1b[2;1H\x1b[2Kc\x1b[H');
  screen.forget();
  assert.equal(screen.draw(['a', 'c']), '\x1b[2J\x1b[1;1H\x1b[2Ka\x1b[2;1H\x1b[2Kc\x1b[H');
});
