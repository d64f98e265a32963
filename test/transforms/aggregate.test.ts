import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeText } from '../../transforms/aggregate/time.js';
import { aggregate } from '../../transforms/aggregate.js';
import { cut } from '../support/arbitrary.js';
import { ndjson } from '../support/events.js';
import { runStage } from '../support/memory.js';
import {
  at,
  type Event,
  endings,
  type Fields,
  measures,
  parse,
  run,
  some,
  standard,
  valuesOf,
} from '../support/summaries.js';

/** What a summary should contain, computed in the simplest way. */
function expected(events: Event[], ts: number, end: number, span: number, counts: string): Fields {
  const times = (all: Event[]) => all.reduce((sum, { repeat = 1 }) => sum + (repeat as number), 0);
  const [connects, outcomes] = ['connect', 'outcome'].map((type) => events.filter((one) => one.type === type)) as [
    Event[],
    Event[],
  ];
  const bad = outcomes.filter(({ result }) => result !== 'established');
  const errors = connects.filter(({ errno }) => errno !== undefined);
  const count = times(counts === 'connect' ? connects : outcomes);
  const latencies = outcomes
    .flatMap(({ latency_us, repeat = 1 }) => Array.from({ length: repeat as number }, () => latency_us as number))
    .sort((a, b) => a - b);
  const stamps = events.map((one) => one.ts).sort();
  const values = (name: string) => new Set(events.flatMap((one) => (one[name] === undefined ? [] : [one[name]]))).size;
  const daddrs = new Set(events.map(({ daddr }) => standard.get(daddr as string))).size;
  const unless = (name: string, number: number) => (number > 0 ? { [name]: number } : {});
  return {
    ts: timeText(ts),
    end: timeText(end),
    count,
    ...unless('connects', times(connects)),
    ...unless('outcomes', times(outcomes)),
    ...(outcomes.length > 0
      ? {
          ...unless('errors', times(errors)),
          failed: times(bad),
          failed_ratio: Math.round((times(bad) / times(outcomes)) * 1e6) / 1e6,
        }
      : { errors: times(errors) }),
    ...Object.fromEntries(
      endings.flatMap(({ result }) =>
        Object.entries(unless(`result_${result}`, times(outcomes.filter((one) => one.result === result)))),
      ),
    ),
    ...(latencies.length > 0 && {
      latency_min_us: latencies[0],
      latency_mean_us: Math.round(latencies.reduce((a, b) => a + b, 0) / latencies.length),
      latency_max_us: latencies.at(-1),
    }),
    ...(span > 0 && { rate: Math.round((count * 1e9) / span) / 1e3 }),
    first: stamps[0],
    last: stamps.at(-1),
    distinct_daddr: daddrs,
    distinct_team: values('team'),
  };
}

/** Removes what only sketches know, after checking the quantiles. */
function compare(summary: Fields, events: Event[], wanted: Fields): void {
  const { type, v, by, other, ...rest } = summary;
  assert.deepEqual([type, v, other], ['summary', 1, undefined]);
  const latencies = events
    .flatMap(({ latency_us, repeat = 1 }) =>
      latency_us === undefined ? [] : Array<number>(repeat as number).fill(latency_us as number),
    )
    .sort((a, b) => a - b);
  for (const [name, q] of [
    ['p50', 0.5],
    ['p90', 0.9],
    ['p99', 0.99],
  ] as const) {
    const exact = latencies[Math.floor(q * (latencies.length - 1))];
    const got = rest[`latency_${name}_us`] as number;
    if (exact === undefined) assert.equal(got, undefined);
    else assert.ok(Math.abs(got - exact) <= exact * 0.01 + 0.5, `${name}: ${got} for ${exact}`);
    delete rest[`latency_${name}_us`];
  }
  for (const name of Object.keys(rest)) if (name.endsWith('_sketch')) delete rest[name];
  assert.deepEqual(rest, wanted);
}

const us = (ts: string) => Date.parse(ts) * 1000 + Number(ts.slice(23, 26));

test('every measure matches a plain count over the same events', async () => {
  const by = fc.constantFrom([], ['comm'], ['comm', 'daddr'], ['dport', 'saddr'], ['team', 'comm'], ['result']);
  const every = fc.constantFrom(undefined, 10e6, 7e6);
  const count = fc.constantFrom('connect', 'outcome');
  await fc.assert(
    fc.asyncProperty(some, by, every, count, async (events, by, every, count) => {
      const given = {
        measure: measures,
        count,
        ...(by.length > 0 && { by: by.map((name) => (name === 'team' ? '.team' : name)).join(',') }),
      };
      const windows = every ? { every: `${every / 1e6}s`, grace: '1h' } : {};
      const out = parse(await run({ ...given, ...windows }, ndjson(...events)));
      const groups = new Map<string, Event[]>();
      for (const one of events) {
        const at = every ? Math.floor(us(one.ts) / every) * every : 0;
        const values = by.map((name) => (name === 'daddr' ? standard.get(one[name] as string) : one[name]));
        const key = JSON.stringify([at, values.map((value) => (value === undefined ? [] : [value]))]);
        groups.set(key, [...(groups.get(key) ?? []), one]);
      }
      assert.equal(out.length, groups.size);
      const all = events.map(({ ts }) => us(ts));
      const whole = [Math.min(...all), Math.max(...all) + 1] as const;
      for (const summary of out) {
        const at = every ? us(summary.ts as string) : 0;
        const key = JSON.stringify([at, by.map((name) => (name in summary ? [summary[name]] : []))]);
        const group = groups.get(key);
        assert.ok(group, `${key} in ${[...groups.keys()]}`);
        const [start, end] = every ? [at, at + every] : whole;
        const own = Object.fromEntries(by.filter((name) => name in summary).map((name) => [name, summary[name]]));
        const wanted = expected(group, start, end, every ?? end - start - 1, count);
        compare(summary, group, { ...wanted, ...own });
      }
    }),
    { numRuns: 300 },
  );
});

test('input cut anywhere gives the same result', async () => {
  const text = some.map((events) => Buffer.from(ndjson(...events)));
  await fc.assert(
    fc.asyncProperty(
      text.chain((bytes) => fc.tuple(fc.constant(bytes), cut(bytes))),
      async ([bytes, pieces]) => {
        const stage = () => aggregate({ by: 'comm,daddr/24', every: '10s', grace: '1h' });
        assert.deepEqual(await runStage(stage(), pieces), await runStage(stage(), [bytes]));
      },
    ),
  );
});

test("--count gives one collector's counts with each --report", async () => {
  const outcome = (seconds: number, id: string, more: object = {}) => ({
    ...at(seconds),
    type: 'outcome',
    id,
    result: 'refused',
    latency_us: 5,
    ...more,
  });
  const connects = [at(1, { id: '1' }), at(2, { id: '2' }), at(3, { id: '3' })];
  const outcomes = [outcome(1.5, '1'), outcome(12, '2')];
  const counts = async (given: object, ...events: object[]) =>
    valuesOf(
      await run({ every: '10s', grace: '1m', measure: 'count', ...given }, ndjson(...events)),
      'count',
      'connects',
      'outcomes',
    );
  assert.deepEqual(await counts({}, ...connects), ['3 3 ']);
  assert.deepEqual(await counts({}, ...outcomes), ['1  1', '1  1']);
  const both = [connects[0], outcomes[0], connects[1], connects[2], outcomes[1]] as object[];
  assert.deepEqual(await counts({}, ...both), ['3 3 1', '0  1']);
  assert.deepEqual(await counts({ count: 'outcome' }, ...both), ['1 3 1', '1  1']);
  assert.deepEqual(await counts({ count: 'connect' }, ...outcomes), ['0  1', '0  1']);
});
