import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeText } from '../../transforms/aggregate/time.js';
import { aggregate } from '../../transforms/aggregate.js';
import { cut } from '../support/arbitrary.js';
import { connect, ndjson } from '../support/events.js';
import { runStage } from '../support/memory.js';

type Fields = Record<string, unknown>;
type Event = Fields & { type: string; ts: string };

const begin = Date.UTC(2026, 10, 23, 8) * 1000;
const endings = [
  { result: 'established' },
  { result: 'refused', errno: 111, error: 'ECONNREFUSED' },
  { result: 'aborted' },
  { result: 'error', errno: 99, error: 'EADDRNOTAVAIL' },
];

/** One address may come in several spellings: the first is the one that groups have. */
const spellings = [['2001:db8::7', '2001:DB8:0::7'], ['10.0.0.1', '::ffff:10.0.0.1'], ['10.0.0.200'], ['10.0.9.1']];
const standard = new Map(spellings.flatMap((all) => all.map((one) => [one, all[0] as string])));

const event: fc.Arbitrary<Event> = fc
  .record({
    type: fc.constantFrom('connect', 'outcome', 'outcome'),
    us: fc.integer({ min: 0, max: 60e6 }),
    comm: fc.constantFrom('curl', 'node', '"\\\u0001', 'ü\u0085'),
    daddr: fc.constantFrom(...spellings.flat()),
    dport: fc.constantFrom(80, 443),
    saddr: fc.constantFrom('192.0.2.1', undefined),
    ending: fc.constantFrom(...endings),
    latency_us: fc.oneof(fc.nat(100), fc.nat(1e7)),
    team: fc.constantFrom('a', 1, true, null, undefined),
    repeat: fc.constantFrom(undefined, undefined, 3),
  })
  .map(({ type, us, ending, latency_us, ...more }) => {
    const { result, ...failed } = ending;
    const own = type === 'outcome' ? { result, latency_us } : {};
    return JSON.parse(JSON.stringify(connect({ type, ts: timeText(begin + us), ...failed, ...own, ...more } as never)));
  });
const some = fc.array(event, { maxLength: 40 });

const run = async (given: object, text: string) => (await runStage(aggregate(given), [Buffer.from(text)])).out;
const parse = (text: string): Fields[] =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
const sort = (all: Fields[]) => all.map((one) => JSON.stringify(one)).sort();

const measures = 'count,failed,result,latency,rate,first,last,distinct:daddr,distinct:team';

/** What a summary should say, by the plainest means. */
function expected(events: Event[], ts: number, end: number, span: number, counts: string): Fields {
  const times = (all: Event[]) => all.reduce((sum, { repeat = 1 }) => sum + (repeat as number), 0);
  const [connects, outcomes] = ['connect', 'outcome'].map((type) => events.filter((one) => one.type === type)) as [
    Event[],
    Event[],
  ];
  const bad = outcomes.filter(({ result }) => result !== 'established');
  const errors = connects.filter(({ errno }) => errno !== undefined);
  const count = times(counts === 'connect' ? connects : outcomes);
  const failed = times(outcomes.length > 0 ? bad : errors);
  const latencies = outcomes
    .flatMap(({ latency_us, repeat = 1 }) => Array.from({ length: repeat as number }, () => latency_us as number))
    .sort((a, b) => a - b);
  const stamps = events.map((one) => one.ts).sort();
  const values = (name: string) => new Set(events.flatMap((one) => (one[name] === undefined ? [] : [one[name]]))).size;
  const daddrs = new Set(events.map(({ daddr }) => standard.get(daddr as string))).size;
  const unless = (name: string, number: number) => (number > 0 ? { [name]: number } : {});
  const whole = times(outcomes.length > 0 ? outcomes : connects);
  return {
    ts: timeText(ts),
    end: timeText(end),
    count,
    ...unless('connects', times(connects)),
    ...unless('outcomes', times(outcomes)),
    ...unless('errors', times(errors)),
    failed,
    failed_ratio: Math.round((failed / whole) * 1e6) / 1e6,
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

/** Takes away what only sketches know, after a check of the quantiles. */
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

test('every measure is what a plain count over the same events gives', async () => {
  const by = fc.constantFrom([], ['comm'], ['comm', 'daddr'], ['dport', 'saddr'], ['team', 'comm'], ['result']);
  const every = fc.constantFrom(undefined, 10e6, 7e6);
  const count = fc.constantFrom('connect', 'outcome');
  await fc.assert(
    fc.asyncProperty(some, by, every, count, async (events, by, every, count) => {
      const given = { measure: measures, count, ...(by.length > 0 && { by: by.join(',') }) };
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

test('cut anywhere gives the same', async () => {
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

/** The events dealt out to some hosts. */
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
  ['team,ts:5s', 'team'],
  ['comm,ts:5s', 'ts:5s'],
  ['comm', undefined],
);

test('the aggregate of aggregates is the aggregate of all events: to the byte but for the order of the groups', async () => {
  const split = fc.record({ dealt, windows, groupings, turned: fc.boolean(), some: fc.nat(3) });
  await fc.assert(
    fc.asyncProperty(
      split,
      async ({ dealt: [events, hosts], windows: [fine, coarse], groupings: [finer, coarser], ...how }) => {
        const last = { ...coarse, measure: measures, ...(coarser && { by: coarser }) };
        const parts = await Promise.all(
          [0, 1, 2, 3].map((host) => {
            const text = ndjson(...events.filter((_, i) => hosts[i] === host));
            return host === how.some ? text : run({ ...fine, by: finer, measure: measures }, text); // some host sends its events
          }),
        );
        if (how.turned) parts.reverse();
        const [all, merged] = [parse(await run(last, ndjson(...events))), parse(await run(last, parts.join('')))];
        if ((fine?.every || finer?.includes('ts:')) && !coarse?.every && !coarser?.includes('ts:')) {
          // the merged one knows the first and last moment only by windows
          for (const one of [...all, ...merged]) for (const name of ['ts', 'end', 'rate']) delete one[name];
        }
        assert.deepEqual(sort(merged), sort(all));
      },
    ),
    { numRuns: 500 },
  );
});

test('three levels of aggregates, and several times over', async () => {
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

test('more groups than --max-groups, and --top: nothing is missing from the sum, and each_max bounds what a group lacks', async () => {
  const address = fc.nat(30_000).map((n) => `10.0.${n >> 8}.${n & 255}`);
  const skewed = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('10.9.9.9', '10.9.9.8') },
    { weight: 7, arbitrary: address },
  );
  const many = fc.array(skewed, { minLength: 9_000, maxLength: 12_000 });
  const choice = fc.constantFrom({ maxGroups: 50 }, { maxGroups: 4096 }, { top: 3 }, { top: 3, maxGroups: 5 });
  await fc.assert(
    fc.asyncProperty(many, choice, fc.boolean(), async (all, choice, twice) => {
      const given = { by: 'daddr', measure: 'count,distinct:daddr', ...choice };
      const text = ndjson(...all.map((daddr) => connect({ daddr })));
      const [head, tail] = [
        text.slice(0, text.indexOf('\n', text.length / 2) + 1),
        text.slice(text.indexOf('\n', text.length / 2) + 1),
      ];
      const out = parse(await run(given, twice ? (await run(given, head)) + (await run(given, tail)) : text));
      const most = Math.min(choice.maxGroups ?? 1e6, choice.top ?? 1e6);
      const groups = out.filter(({ other }) => !other);
      const rest = out.find(({ other }) => other);
      assert.ok(groups.length <= most && (rest === undefined || groups.length > 0));
      assert.equal(
        out.reduce((sum, { count }) => sum + (count as number), 0),
        all.length,
      );
      const exact = new Map<string, number>();
      for (const daddr of all) exact.set(daddr, (exact.get(daddr) ?? 0) + 1);
      const most_missing = (rest?.each_max as number | undefined) ?? 0;
      const shown = new Map(groups.map(({ daddr, count }) => [daddr as string, count as number]));
      for (const [daddr, count] of exact) {
        const got = shown.get(daddr) ?? 0;
        assert.ok(got <= count && count <= got + most_missing, `${daddr}: ${got} of ${count}, ${most_missing}`);
      }
      // whoever has more than its share is there
      for (const daddr of ['10.9.9.9', '10.9.9.8']) assert.ok(shown.has(daddr), daddr);
    }),
    { numRuns: 12 },
  );
});

const at = (seconds: number, more: object = {}) => connect({ ts: timeText(begin + seconds * 1e6), ...more });
const lostEvent = (count: number, where = 'ring buffer', more: object = {}) => ({
  type: 'lost',
  v: 1,
  ...more,
  stage: 'collector',
  where,
  count,
});
const told = (text: string, ...names: string[]) => parse(text).map((one) => names.map((name) => one[name]).join(' '));

test('an event is late once event time has passed its window by more than the grace; it is counted and told as lost', async () => {
  const input = ndjson(at(1), at(11), at(9), at(11.9), at(12), at(9.9), at(8), at(30), at(2));
  const { out, ledger } = await runStage(aggregate({ every: '10s', grace: '2s', measure: 'count' }), [
    Buffer.from(input),
  ]);
  assert.deepEqual(told(out, 'type', 'ts', 'count', 'where', 'lost'), [
    `summary ${timeText(begin)} 2  `,
    `summary ${timeText(begin + 10e6)} 3  `,
    `summary ${timeText(begin + 10e6)} 0  2`, // came while this window was the newest
    'lost  3 late ',
    `summary ${timeText(begin + 30e6)} 1  `,
    `summary ${timeText(begin + 30e6)} 0  1`,
  ]);
  assert.equal(ledger.lost, 3);
});

test('what is lost is told of the window it is lost from, once, and through a second aggregate too', async () => {
  const given = { every: '10s', measure: 'count' };
  const input = `${ndjson(at(1), lostEvent(5), at(2), lostEvent(2, 'invalid'))}oops\n${ndjson(
    at(3),
    at(15),
    lostEvent(7, 'queue', { ts: timeText(begin + 12e6) }),
    lostEvent(1, 'queue', { ts: timeText(begin + 9e6) }),
    at(25),
  )}`;
  const wanted = [
    `${timeText(begin)} 3   `,
    `${timeText(begin)} 0 true 5 3`,
    `${timeText(begin + 10e6)} 1   `,
    `${timeText(begin + 10e6)} 0 true 8 `, // a window that is over gets no more: the next one tells it
    `${timeText(begin + 20e6)} 1   `,
  ];
  const summaries = (text: string) =>
    told(
      text
        .split('\n')
        .filter((line) => line.includes('"summary"'))
        .map((line) => `${line}\n`)
        .join(''),
      'ts',
      'count',
      'other',
      'lost',
      'invalid',
    );
  const once = await run(given, input);
  assert.deepEqual(summaries(once), wanted);
  assert.equal(parse(once).filter(({ type }) => type === 'lost').length, 5, 'lost events go on');
  assert.deepEqual(summaries(await run(given, once)), wanted);
});

test('--count: one collector, each --report', async () => {
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
    told(
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

test('a summary that fits in no window, or lacks a measure, ends it with the remedy', async () => {
  const ofMinutes = await run({ every: '1m', measure: 'count' }, ndjson(at(1)));
  await assert.rejects(run({ every: '10s' }, ofMinutes), /fits in no window; make --every/);
  const outcome = { ...at(1), type: 'outcome', result: 'refused', latency_us: 5 };
  const bare = await run({ measure: 'count' }, ndjson(outcome));
  for (const measure of ['failed', 'result', 'latency', 'first', 'last', 'distinct:comm']) {
    await assert.rejects(run({ measure }, bare), new RegExp(`--measure ${measure}`), measure);
  }
  await run({ measure: 'count,rate' }, bare);
});

test('a summary by other fields is in no group of theirs, but in the sum', async () => {
  const byPort = await run({ by: 'dport', measure: 'count' }, ndjson(at(1), at(2)));
  const out = await run({ by: 'comm', measure: 'count' }, byPort + ndjson(at(3)));
  assert.deepEqual(told(out, 'comm', 'other', 'count', 'each_max'), ['curl  1 ', ' true 2 2']);
});
