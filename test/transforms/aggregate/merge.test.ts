import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ndjson } from '../../support/events.js';
import { at, measures, parse, run, some, sort, valuesOf } from '../../support/summaries.js';

/** The events, distributed over some hosts. */
const dealt = some.chain((events) =>
  fc.tuple(fc.constant(events), fc.array(fc.nat(3), { minLength: events.length, maxLength: events.length })),
);
interface Times {
  every?: string;
  step?: string;
  grace?: string;
}
const windows = fc.constantFrom<[Times, Times]>(
  [{}, {}],
  [
    { every: '10s', grace: '1h' },
    { every: '10s', grace: '1h' },
  ],
  [
    { every: '5s', grace: '1h' },
    { every: '20s', grace: '1h' },
  ],
  [
    { every: '5s', grace: '1h' },
    { every: '20s', step: '5s', grace: '1h' },
  ],
  [{ every: '5s', grace: '1h' }, {}],
);
const groupings = fc.constantFrom<[string, string | undefined]>(
  ['comm,daddr', 'comm,daddr'],
  ['comm,daddr,dport,saddr', 'saddr,comm'],
  ['comm,daddr', 'daddr/24'],
  ['comm,daddr/24', 'daddr/16/32,comm'],
  ['.team,ts:5s', '.team'],
  ['comm,ts:5s', 'ts:5s'],
  ['comm', undefined],
);

test('the aggregate of aggregates is the aggregate of all events, byte for byte except for the order of groups', async () => {
  const split = fc.record({ dealt, windows, groupings, turned: fc.boolean(), some: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(
      split,
      async ({ dealt: [events, hosts], windows: [fine, coarse], groupings: [finer, coarser], ...how }) => {
        const last = { ...coarse, measure: measures, ...(coarser && { by: coarser }) };
        const parts = await Promise.all(
          [0, 1, 2, 3].map((host) => {
            const text = ndjson(...events.filter((_, i) => hosts[i] === host));
            return host === how.some ? text : run({ ...fine, by: finer, measure: measures }, text); // one host sends its events
          }),
        );
        if (how.turned) parts.reverse();
        const [all, merged] = [parse(await run(last, ndjson(...events))), parse(await run(last, parts.join('')))];
        if ((fine?.every || finer?.includes('ts:')) && !coarse?.every && !coarser?.includes('ts:')) {
          // the merged result knows the first and last time only by window
          for (const one of [...all, ...merged]) for (const name of ['ts', 'end', 'rate']) delete one[name];
        }
        assert.deepEqual(sort(merged), sort(all));
      },
    ),
    { numRuns: 500 },
  );
});

test('three levels of aggregates, and repeated ones', async () => {
  await fc.assert(
    fc.asyncProperty(dealt, async ([events, hosts]) => {
      const given = { by: 'comm,dport', measure: measures, every: '10s', grace: '1h' };
      const of = (wanted: (host: number) => boolean) =>
        run(given, ndjson(...events.filter((_, i) => wanted(hosts[i] as number))));
      const pair = await run(given, (await of((host) => host === 0)) + (await of((host) => host === 1)));
      const merged = await run(given, await run(given, pair + (await of((host) => host > 1))));
      assert.deepEqual(sort(parse(merged)), sort(parse(await run(given, ndjson(...events)))));
    }),
  );
});

test('a summary that fits no window, or lacks a measure, ends it with the remedy', async () => {
  const ofMinutes = await run({ every: '1m', measure: 'count' }, ndjson(at(1)));
  await assert.rejects(run({ every: '10s' }, ofMinutes), /does not fit in a window; make --every/);
  const outcome = { ...at(1), type: 'outcome', result: 'refused', latency_us: 5 };
  const bare = await run({ measure: 'count' }, ndjson(outcome));
  for (const measure of ['failed', 'result', 'latency', 'first', 'last', 'distinct:comm']) {
    await assert.rejects(run({ measure }, bare), new RegExp(`--measure ${measure}`), measure);
  }
  await run({ measure: 'count,rate' }, bare);
});

test('a summary by other fields is in none of the groups, but in the sum', async () => {
  const byPort = await run({ by: 'dport', measure: 'count' }, ndjson(at(1), at(2)));
  const out = await run({ by: 'comm', measure: 'count' }, byPort + ndjson(at(3)));
  assert.deepEqual(valuesOf(out, 'comm', 'other', 'count', 'each_max'), ['curl  1 ', ' true 2 2']);
});
