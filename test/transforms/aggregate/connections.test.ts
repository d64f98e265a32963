import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { timeText } from '../../../transforms/aggregate/time.js';
import { connect, ndjson } from '../../support/events.js';
import { begin, type Event, type Fields, measures, parse, run, some, sort } from '../../support/summaries.js';

const maybe = (arbitrary: fc.Arbitrary<unknown>) => fc.option(arbitrary, { nil: undefined });
const connection: fc.Arbitrary<Event> = fc
  .record({
    type: fc.constantFrom('closed', 'closed', 'open'),
    us: fc.integer({ min: 0, max: 60e6 }),
    comm: fc.constantFrom('curl', 'node', 'sshd'),
    daddr: fc.constantFrom('10.0.0.1', '10.0.9.1'),
    duration_us: maybe(fc.nat(1e9)),
    bytes_sent: fc.nat(1e6),
    bytes_received: fc.nat(1e6),
    deltas: maybe(fc.tuple(fc.nat(1e4), fc.nat(1e4))),
    segs_retransmitted: maybe(fc.integer({ min: 1, max: 9 })),
    srtt_us: maybe(fc.integer({ min: 1, max: 1e6 })),
    existing: maybe(fc.constant(true)),
  })
  .map(({ type, us, deltas, ...more }) => {
    const [sent_delta, received_delta] = (deltas as [number, number] | undefined) ?? [];
    const own = { ...more, sent_delta, received_delta, ...(type === 'closed' && { closed_by: 'local' }) };
    return JSON.parse(JSON.stringify(connect({ type, ts: timeText(begin + us), ...own } as never)));
  });

/** Attempts and connections, in any order, and the attempts alone in the same order. */
const mixed = fc
  .tuple(some, fc.array(connection, { maxLength: 40 }))
  .chain(([attempts, connections]) => {
    const all = [...attempts, ...connections];
    return fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length });
  })
  .map((all) => ({ all, attempts: all.filter(({ type }) => type === 'connect' || type === 'outcome') }));
const of = 'bytes,duration,retransmits,rtt';
const ownFields = /^(closed|bytes_|segs_|duration_|rtt_)/;

test('without a measure of connections, closed and open events change no byte', async () => {
  const given = { by: 'comm,daddr', measure: measures, every: '10s', grace: '1h' };
  await fc.assert(
    fc.asyncProperty(mixed, async ({ all, attempts }) => {
      assert.equal(await run(given, ndjson(...all)), await run(given, ndjson(...attempts)));
    }),
  );
});

test('with such measures, the numbers of attempts stay the same, and those of connections are the sums', async () => {
  const given = { by: 'comm', every: '10s', grace: '1h' };
  await fc.assert(
    fc.asyncProperty(mixed, async ({ all, attempts }) => {
      const both = parse(await run({ ...given, measure: `${measures},${of}` }, ndjson(...all)));
      const without = parse(await run({ ...given, measure: measures }, ndjson(...attempts)));
      const left = both
        .filter(({ connects, outcomes }) => connects !== undefined || outcomes !== undefined)
        .map((one) => Object.fromEntries(Object.entries(one).filter(([name]) => !ownFields.test(name))));
      assert.deepEqual(sort(left), sort(without));
      const expected = sumsOf(all.filter((one) => !attempts.includes(one)));
      for (const { ts, comm, ...numbers } of both) {
        const key = `${ts} ${comm}`;
        const found = Object.entries(numbers).filter(([name]) =>
          /^(closed|bytes_|segs_)|_(min|mean|max)_us$/.test(name),
        );
        const own = found.filter(([name]) => ownFields.test(name));
        assert.deepEqual(Object.fromEntries(own), expected.get(key) ?? none, key);
        expected.delete(key);
      }
      assert.deepEqual([...expected], []);
    }),
  );
});

test('the aggregate of aggregates is the aggregate of all events', async () => {
  await fc.assert(
    fc.asyncProperty(mixed, fc.nat(40), async ({ all }, at) => {
      const fine = { by: 'comm,daddr', measure: `count,${of}` };
      const parts = [all.slice(0, at), all.slice(at)].map((events) => run(fine, ndjson(...events)));
      const last = { by: 'comm', measure: `count,${of}` };
      const merged = parse(await run(last, (await Promise.all(parts)).join('')));
      assert.deepEqual(sort(merged), sort(parse(await run(last, ndjson(...all)))));
    }),
  );
});

const none = { closed: 0, bytes_sent: 0, bytes_received: 0, segs_retransmitted: 0 };

/** Computes the sums of connections for each window of 10 seconds and `comm`. */
function sumsOf(events: readonly Event[]): Map<string, Fields> {
  const groups = new Map<string, Event[]>();
  for (const one of events) {
    const key = `${windowOf(one.ts)} ${one.comm}`;
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return new Map([...groups].map(([key, all]) => [key, sums(all)]));
}

const windowOf = (ts: string) => `${ts.slice(0, 18)}0.000000Z`;

function sums(all: readonly Event[]): Fields {
  const closed = all.filter(({ type }) => type === 'closed');
  // the first line about a connection from before the start has no delta, so it adds nothing
  const counted = all.filter((one) => one.type === 'closed' || !one.existing || one.sent_delta !== undefined);
  const sum = (of: readonly Event[], ...names: string[]) =>
    of.reduce(
      (total, one) => total + ((names.map((name) => one[name]).find((value) => value !== undefined) ?? 0) as number),
      0,
    );
  const spread = (name: string, field: string) => {
    const values = closed.flatMap((one) => (one[field] === undefined ? [] : [one[field] as number]));
    if (values.length === 0) return {};
    const mean = Math.round(values.reduce((a, b) => a + b) / values.length);
    return {
      [`${name}_min_us`]: Math.min(...values),
      [`${name}_mean_us`]: mean,
      [`${name}_max_us`]: Math.max(...values),
    };
  };
  return {
    closed: closed.length,
    bytes_sent: sum(counted, 'sent_delta', 'bytes_sent'),
    bytes_received: sum(counted, 'received_delta', 'bytes_received'),
    segs_retransmitted: sum(closed, 'segs_retransmitted'),
    ...spread('duration', 'duration_us'),
    ...spread('rtt', 'srtt_us'),
  };
}
