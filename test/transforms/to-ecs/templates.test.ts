import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldKinds } from '../../../schemas/generated/fields.js';
import { canonical } from '../../../schemas/pipe/line/canonical.js';
import { parseExact } from '../../../schemas/pipe/line/exact.js';
import { type AnyEvent, invalid } from '../../../schemas/pipe/line/line.js';
import { fuseStrictly } from '../../../schemas/pipe/run/fuse.js';
import type { Stage } from '../../../schemas/pipe/stage/stage.js';
import { enrich } from '../../../transforms/enrich.js';
import { ecsFields } from '../../../transforms/to-ecs/fields.js';
import { ecsOf, toEcs } from '../../../transforms/to-ecs.js';
import { otelOf, toOtel } from '../../../transforms/to-otel.js';
import { eventOf, schemaOf } from '../../support/arbitrary.js';
import { connect } from '../../support/events.js';
import { inputOf, runStage } from '../../support/memory.js';
import { oddities } from '../../support/oddities.js';

type Fields = Record<string, unknown>;

const converters: [() => Stage, (event: AnyEvent, ts: string) => AnyEvent][] = [
  [toEcs, ecsOf],
  [toOtel, otelOf],
];
const linesOf = (text: string) => text.split('\n').slice(0, -1);
const recorded = ['test/support/recorded.ndjson', 'collector/replay/sample.ndjson'].map((file) =>
  readFileSync(new URL(`../../../${file}`, import.meta.url)),
);

/** Types that have no template. */
const parsed = ['lost', 'summary'];
/** Passes each line on alone, as bytes. */
const alone: Stage = { name: 'alone', line: (line, out) => out.bytes(line.buffer, line.start, line.end) };

/**
 * Asserts that lines are converted as by `convert`, in batches and alone. Returns how many of them a batch left out, without
 * those of the types that have no template.
 */
async function assertSame(
  [make, convert]: (typeof converters)[number],
  lines: readonly (string | Buffer)[],
): Promise<number> {
  const all = [canonical(connect()), ...lines]; // the first one gives `lost` events a time
  let before = '';
  const expected = all.map((line) => {
    const event = parseExact(String(line)) as AnyEvent & { ts?: string };
    before = event.ts ?? before;
    return canonical(convert(event, before));
  });
  let count = 0;
  const stage = make();
  const counting: Stage = {
    ...stage,
    line(line, out) {
      if (!parsed.includes(line.type)) count++;
      return stage.line(line, out);
    },
  };
  for (const stages of [[counting], [alone, make()]]) {
    const input = inputOf([Buffer.concat(all.map((line) => Buffer.from(`${line}\n`)))]);
    let out = '';
    for await (const bytes of fuseStrictly(stages, input)) out += bytes;
    const converted = linesOf(out);
    assert.equal(converted.length, all.length);
    for (const [at, line] of converted.entries()) assert.equal(line, expected[at], String(all[at]));
  }
  return count;
}

test('recorded events are all converted by templates', async () => {
  for (const bytes of recorded) {
    const { out } = await runStage(enrich({ offline: true, keepDns: true }), [bytes]);
    for (const converter of converters) {
      assert.equal(await assertSame(converter, linesOf(bytes.toString())), 0);
      assert.equal(await assertSame(converter, linesOf(out)), 0);
    }
  }
});

/** What makes an event likely to have a template. */
const likelihood = fc.record({
  time: fc.date({ min: new Date('2001-12-31'), max: new Date('2106-01-02'), noInvalidDate: true }),
  digits: fc.nat({ max: 13 }),
  addresses: fc.array(fc.constantFrom('192.0.2.1', '10.0.0.1', '::1', '2001:db8::7'), { minLength: 1, maxLength: 3 }),
  sameNames: fc.boolean(),
});
type Likelihood = typeof likelihood extends fc.Arbitrary<infer T> ? T : never;

/** Turns any event into a more likely one: an existing day, no huge numbers, addresses and names that occur twice. */
function likely(event: Fields, { time, digits, addresses, sameNames }: Likelihood): Fields {
  const kinds = fieldKinds[String(event.type)] ?? {};
  let next = 0;
  const address = () => addresses[next++ % addresses.length];
  const fields = Object.entries(event).map(([name, value]) => {
    const { is, list, min = 0 } = kinds[name] ?? { is: 'other' };
    if (is === 'time') return [name, time.toISOString().replace('Z', '456Z')];
    if (is === 'number') return [name, Math.max((value as number) % 10 ** digits, min)];
    if (is === 'address' && digits > 0) return [name, list ? (value as unknown[]).map(address) : address()];
    if (is === 'other' && digits > 0) return [name, undefined];
    if (sameNames && event.name !== undefined && (name === 'host' || name === 'names'))
      return [name, list ? [event.name, ...(value as unknown[]).slice(1)] : event.name];
    return [name, value];
  });
  return Object.fromEntries(fields);
}

/** Events of one shape, or nearly: the same fields and choices, other values. */
const family = fc
  .constantFrom(...Object.keys(ecsFields))
  .chain((type) => fc.array(fc.tuple(eventOf(schemaOf(type)), likelihood), { minLength: 3, maxLength: 4 }))
  .map((all) => {
    const [first] = all[0] as (typeof all)[number];
    const isChoice = (name: string) => fieldKinds[String(first.type)]?.[name]?.is === 'choice';
    return all.map(([event, more]) => {
      const fields = Object.entries(first).map(([name, value]) => [
        name,
        isChoice(name) ? value : (event[name] ?? value),
      ]);
      return likely(Object.fromEntries(fields), more) as AnyEvent;
    });
  });

test('any events, in batches, are converted as one by one', async () => {
  for (const converter of converters) {
    let [total, without] = [0, 0];
    const events = fc.array(family, { minLength: 10, maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(events, async (families) => {
        const valid = families.flat().filter((event) => invalid(JSON.parse(canonical(event))) === undefined);
        total += valid.filter(({ type }) => !parsed.includes(type)).length;
        without += await assertSame(converter, valid.map(canonical));
      }),
      { numRuns: 5, endOnFailure: true }, // the message has the line already
    );
    assert.ok(without < total / 2, `${without} of ${total} had no template`);
  }
});

test('so are lines in unusual forms', async () => {
  const lines = Object.values(oddities).flatMap(([line, valid]) =>
    valid && String(line).includes('connect') ? [line] : [],
  );
  for (const converter of converters) await assertSame(converter, lines);
});

test('so are values at the limits of what templates can do', async () => {
  // the first of each are ordinary: the shapes that they have in common with the others get a template
  const times = [
    '2026-11-23T08:15:30',
    '1969-12-31T23:59:59',
    '1970-01-01T00:00:00',
    '2001-12-31T23:59:59',
    '2002-01-01T00:00:00',
  ];
  times.push('2024-02-29T12:00:00', '2023-02-29T12:00:00', '2026-04-31T12:00:00', '2026-12-31T00:00:00');
  times.push('2100-02-28T12:00:00', '2100-02-29T12:00:00', '2026-08-31T12:00:00', '2026-09-31T12:00:00');
  times.push('2105-12-31T23:59:59', '2106-01-01T00:00:00', '2554-07-21T23:34:33', '2554-07-21T23:34:34');
  const durations = [5, 0, 1, 9, 999_999, 1_000_000, 86_399_999_999, 999_999_999_999, 1_000_000_000_000, 2 ** 53 - 1];
  const exes = [
    '/usr/bin/x',
    '/',
    'a',
    '//',
    '/a/b',
    '/a/b/',
    '/bin/x (deleted)',
    ' (deleted)',
    '/ (deleted)',
    '/\u0001/é',
    '/a\\"',
  ];
  const base = connect({ latency_us: 5, exe: '/usr/bin/curl' } as never) as unknown as Fields;
  const { latency_us: _, via, ...rest } = base;
  const outcome = { ...rest, type: 'outcome', via, result: 'established' };
  const closed = { ...rest, type: 'closed', via, closed_by: 'local' };
  const dns = { type: 'dns', v: 1, ts: '2026-11-23T08:15:30.123456Z', name: 'a.example' };
  const asker = { seq: 1, pid: 2, nspid: 3, tid: 4, uid: 5, comm: 'c', pcomm: 'p', exe: 'e', netns: 6, cgroup: '7' };
  const lookup = (cnames: number, length: number, addrs: number) => ({
    ...dns,
    ...(cnames > 0 && { cnames: Array.from({ length: cnames }, (_, at) => `${at}-`.padEnd(length, 'é"')) }),
    ...(addrs > 0 && { addrs: Array.from({ length: addrs }, (_, at) => `10.0.${at >> 8}.${at & 255}`), ttl: 1 }),
  });
  const events = [
    ...times.flatMap((ts) =>
      durations.map((latency_us) => ({ ...outcome, ts: `${ts}.000000Z`, latency_us }) as Fields),
    ),
    ...durations.map((latency_us) => ({ ...outcome, start: base.ts, latency_us })),
    ...durations.flatMap((one) => durations.map((two) => ({ ...closed, bytes_sent: one, bytes_received: two }))),
    ...exes.map((exe) => ({ ...base, exe })),
    ...['/\ue005', '240.0.1.103', '7000000003', '2020-02-03T04:05:06.789003Z', 'A', 'é'].flatMap((service) => [
      { ...base, service },
      { ...base, name: service, service: 'x' },
      { ...base, daddr: '240.0.1.103', name: service, host: service, service: 'x' },
    ]),
    ...[1, 2, 60, 100, 120, 130, 4096].flatMap((addrs) => [lookup(0, 0, addrs), { ...asker, ...lookup(0, 0, addrs) }]),
    ...[1, 2, 32].flatMap((cnames) => [5, 1000].map((length) => lookup(cnames, length, 3))),
  ];
  const order = (event: Fields) => {
    const names = Object.keys(schemaOf(String(event.type)).properties);
    return Object.fromEntries(names.flatMap((name) => (name in event ? [[name, event[name]]] : [])));
  };
  const lines = events.map((event) => canonical(order(event)));
  for (const line of lines) assert.equal(invalid(JSON.parse(line)), undefined, line);
  for (const converter of converters) await assertSame(converter, [...lines, ...lines]);
});

test('so are more shapes than are kept', async () => {
  const names = Object.keys(schemaOf('connect').properties).slice(-14);
  const lines = Array.from({ length: 3500 }, (_, at) => {
    const more = names.flatMap((name, bit) => ((at >> bit) & 1 ? [[name, name === 'repeat' ? 2 : 'x']] : []));
    return canonical({ ...connect(), ...Object.fromEntries(more) });
  });
  for (const converter of converters) assert.equal(await assertSame(converter, [...lines, ...lines.slice(0, 9)]), 0);
});
