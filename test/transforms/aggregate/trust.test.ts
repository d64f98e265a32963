import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeText } from '../../../transforms/aggregate/time.js';
import { aggregate } from '../../../transforms/aggregate.js';
import { dedupe } from '../../../transforms/dedupe.js';
import { ndjson } from '../../support/events.js';
import { runStage } from '../../support/memory.js';
import { at, begin, parse } from '../../support/summaries.js';

const hour = 3600;
const far = (Date.UTC(2099, 0, 1) * 1000 - begin) / 1e6;
const long = -begin / 1e6; // 1970
const given = { every: '10s', measure: 'count' };

/** Each window as `second: count`, and what was lost. */
async function windows(...events: object[]): Promise<string[]> {
  const { out } = await runStage(aggregate(given), [Buffer.from(ndjson(...events))]);
  return parse(out)
    .filter(({ other }) => !other)
    .map(({ type, ts, count, where }) =>
      type === 'lost' ? `${where} ${count}` : `${(Date.parse(ts as string) * 1000 - begin) / 1e6}: ${count}`,
    );
}

test('an event from the future closes no window, and is counted in its own', async () => {
  assert.deepEqual(await windows(at(1), at(far), at(2), at(12), at(13)), ['0: 2', '10: 2', `${far}: 1`]);
});

test('if the first event is from the future, the following ones still have their windows', async () => {
  const got = await windows(at(far), at(1), at(2), at(3), at(12));
  assert.deepEqual(got, [`${far}: 1`, '0: 1', 'late 2', '10: 1']);
});

test('an event from 1970 is late', async () => {
  assert.deepEqual(await windows(at(1), at(12), at(long), at(13)), ['0: 1', 'late 1', '10: 2']);
});

test('a host whose clock is ahead makes no other host late, and no other host delays its windows', async () => {
  const events = Array.from({ length: 60 }, (_, s) => [at(s, { host: 'a' }), at(s + 600, { host: 'b' })]).flat();
  const got = await windows(...events);
  for (const first of [0, 600]) {
    const wanted = [0, 10, 20, 30, 40, 50].map((s) => `${s + first}: 10`);
    assert.deepEqual(
      got.filter((text) => wanted.includes(text)),
      wanted,
    );
  }
  assert.ok(got.indexOf('600: 10') < got.indexOf('40: 10'));
});

test('hosts whose clocks differ less share their windows', async () => {
  const events = Array.from({ length: 40 }, (_, s) => [at(s, { host: 'a' }), at(s + 20, { host: 'b' })]).flat();
  assert.deepEqual(await windows(...events), ['0: 10', '10: 10', '20: 20', '30: 20', '40: 10', '50: 10']);
});

test('a clock that is set back starts new windows once that is certain; a clock that is set ahead continues', async () => {
  const run = (from: number) => [1, 2, 3, 4, 12, 13].map((s) => at(from + s));
  assert.deepEqual(await windows(...run(0), ...run(-hour)), ['0: 4', '10: 2', '-3600: 2', 'late 2', '-3590: 2']);
  assert.deepEqual(await windows(...run(0), ...run(hour)), ['0: 4', '10: 2', '3600: 4', '3610: 2']);
});

test('the recordings of several hosts, one after the other, are all counted', async () => {
  const host = (name: string) => [1, 2, 3, 14, 25, 100, 200].map((s) => at(s, { host: name }));
  const got = await windows(...host('a'), ...host('b'), ...host('c'));
  assert.equal(
    got.reduce((sum, text) => sum + Number(text.split(' ')[1]), 0),
    21,
  );
  assert.ok(!got.some((text) => text.startsWith('late')));
});

test('a host that stops delays the others by 10 s of their time', async () => {
  const events = [at(1, { host: 'a' }), ...Array.from({ length: 30 }, (_, s) => at(s + 1, { host: 'b' }))];
  const { out } = await runStage(aggregate(given), [
    Buffer.from(ndjson(...events, { type: 'mark' }, at(31, { host: 'b' }))),
  ]);
  const types = parse(out).map(({ type }) => type);
  assert.deepEqual(types, ['summary', 'summary', 'mark', 'summary', 'summary']);
});

test('hosts with random clocks and names: each event is in a window or counted as lost, in bounded memory', async () => {
  const event = fc.record({
    host: fc.constantFrom(undefined, 'a', 'b', 'c', 'd'),
    s: fc.oneof(fc.nat(60), fc.constantFrom(far, long, hour, -hour, 600), fc.integer({ min: -1e6, max: 1e6 })),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 80 }), fc.constantFrom('1s', '10s', '1h'), async (events, every) => {
      const lines = events.map(({ host, s }) => at(s, JSON.parse(JSON.stringify({ host }))));
      const { out } = await runStage(aggregate({ ...given, every }), [Buffer.from(ndjson(...lines))]);
      const sum = parse(out).reduce((sum, { count }) => sum + (count as number), 0);
      assert.equal(sum, events.length);
    }),
  );
  const many = Array.from({ length: 5000 }, (_, i) => at(i % 7 === 0 ? i * 1000 : i / 1000, { host: `h${i}` }));
  const { out } = await runStage(aggregate(given), [Buffer.from(ndjson(...many))]);
  assert.equal(
    parse(out).reduce((sum, { count }) => sum + (count as number), 0),
    5000,
  );
});

test('dedupe: an event from the future releases nothing, and no event is held until then', async () => {
  const run = async (...events: object[]) => parse((await runStage(dedupe({}), [Buffer.from(ndjson(...events))])).out);
  const got = await run(at(1), at(2), at(far), at(3), at(4), at(12), at(13));
  assert.deepEqual(
    got.map(({ ts, repeat = 1 }) => `${ts} ${repeat}`),
    [
      [1, 1],
      [2, 1],
      [far, 1],
      [3, 1],
      [12, 2],
      [13, 1],
    ].map(([s, repeat]) => `${timeText(begin + (s as number) * 1e6)} ${repeat}`),
  );
  const other = await run(at(far, { comm: 'x' }), at(1), at(2), at(3), at(4), at(20, { comm: 'y' }), at(21));
  assert.equal(
    other.reduce((sum, { repeat }) => sum + ((repeat as number) ?? 1), 0),
    7,
  );
});
