import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonical } from '../../schemas/pipe/line/canonical.js';
import { type AnyEvent, invalid } from '../../schemas/pipe/line/line.js';
import { PlainScanner } from '../../schemas/pipe/scan/plain.js';
import { record, unknownKind } from '../../schemas/pipe/scan/record.layout.js';
import { WasmScanner } from '../../schemas/pipe/scan/wasm.js';
import { ecsFields } from '../../transforms/to-ecs/fields.js';
import { ecsOf, toEcs } from '../../transforms/to-ecs.js';
import { otelFields } from '../../transforms/to-otel/fields.js';
import { otelOf, toOtel } from '../../transforms/to-otel.js';
import { eventOf, schemaOf } from '../support/arbitrary.js';
import { ndjson } from '../support/events.js';
import { runStage } from '../support/memory.js';

const ts = '2026-11-23T08:15:30.000000Z';
type Fields = Record<string, unknown>;

/** A published list of fields: each line has a name, a type, and more. */
const published = (file: string) =>
  readFileSync(new URL(`../support/${file}`, import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split('\t') as [string, string, string | undefined]);
const ecs = published('ecs-9.4.0.tsv');
const otel = new Map(published('otel-1.44.0.tsv').map(([name, type]) => [name, type]));

/** Fields that a map, a user's tool or an attacker may add: any JSON, with names that may be in use elsewhere. */
const names = fc.oneof(
  fc.string(),
  fc.constantFrom('__proto__', 'constructor', 'country', 'asn', 'city', 'as_org', 'synpipe', 'message', '@timestamp'),
);
const extra = fc
  .dictionary(names, fc.jsonValue(), { maxKeys: 3, noNullPrototype: true })
  .map((value) => JSON.parse(JSON.stringify(value)) as Fields); // as parsed from input: no -0
const events = Object.keys(ecsFields).map((type) =>
  fc
    .tuple(extra, eventOf(schemaOf(type)))
    .map(([more, event]) => JSON.parse(JSON.stringify(withOwn(event, more))) as AnyEvent)
    .filter((event) => invalid(event) === undefined),
);
const anyOfOurs = fc.oneof(...events);

/** The same event with other fields appended, under any name. */
function withOwn(event: Fields, more: Fields): Fields {
  const known = Object.keys(event);
  return Object.fromEntries([
    ...Object.entries(event),
    ...Object.entries(more).filter(
      ([name]) => !known.includes(name) && !(name in schemaOf(String(event.type)).properties),
    ),
  ]);
}

/** The values of an object's leaves by full name. `stop` says which values are leaves. */
function leaves(value: unknown, stop: (name: string) => boolean, name = ''): [string, unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || stop(name)) return [[name, value]];
  return Object.entries(value).flatMap(([key, one]) => leaves(one, stop, name ? `${name}.${key}` : key));
}

const fits: Record<string, (value: unknown) => boolean> = {
  long: Number.isSafeInteger,
  int: Number.isSafeInteger,
  date: (value) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(String(value)),
  ip: (value) => typeof value === 'string' && /^[0-9a-f.:]+$/i.test(value),
  object: (value) => typeof value === 'object',
  'string[]': (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
};
const text = (value: unknown) => typeof value === 'string';

test('ECS: every valid event becomes a valid one, of published fields with their types, and keeps everything it had', () => {
  const types = new Map(ecs.map(([name, type, array]) => [name, { type, array }]));
  const allowed = (name: string) => ecs.filter(([list]) => list === `${name}=`).map(([, value]) => value);
  fc.assert(
    fc.property(anyOfOurs, (event) => {
      const { type, v, synpipe: kept = {}, ...made } = ecsOf(event, ts) as AnyEvent & { synpipe?: Fields };
      assert.equal(invalid({ type, v, ...made, synpipe: kept }), undefined);
      for (const [name, value] of leaves(made, (one) => types.get(one)?.type === 'object')) {
        const known = types.get(name);
        assert.ok(known, `${name} is not an ECS field`);
        assert.equal(Array.isArray(value), known.array === 'array', name);
        for (const one of [value].flat()) assert.ok((fits[known.type] ?? text)(one), `${name}: ${JSON.stringify(one)}`);
        const values = allowed(name);
        if (values.length > 0)
          for (const one of [value].flat()) assert.ok(values.includes(one as string), `${name}: ${one}`);
      }
      const { category = [], type: kinds } = made.event as { category?: string[]; type: string[] };
      for (const one of category) {
        const expected = ecs.find(([list, name]) => list === 'event.category=' && name === one)?.[2]?.split(',');
        for (const kind of kinds) assert.ok(expected?.includes(kind), `${kind} is not a type of ${one}`);
      }
      assertKept(event, ecsFields, kept, (name) =>
        name.split('.').reduce((at, step) => (at as Fields)?.[step], made as unknown),
      );
    }),
  );
});

test('OpenTelemetry: the same, following the semantic conventions', () => {
  const scalar = (value: Fields): unknown => {
    const [[kind, one] = ['', null]] = Object.entries(value);
    if (kind === 'intValue') return Number(one);
    if (kind === 'arrayValue') return (one as { values: Fields[] }).values.map(scalar);
    if (kind === 'kvlistValue')
      return Object.fromEntries((one as { values: { key: string; value: Fields }[] }).values.map(pair));
    return one;
  };
  const pair = ({ key, value }: { key: string; value: Fields }): [string, unknown] => [key, scalar(value)];
  fc.assert(
    fc.property(anyOfOurs, (event) => {
      const line = otelOf(event, ts) as AnyEvent & { resourceLogs: [Fields] };
      assert.equal(invalid(line), undefined);
      const [{ resource, scopeLogs }] = line.resourceLogs;
      const [record] = (scopeLogs as [{ logRecords: [Fields] }])[0].logRecords;
      const all = [...(resource as { attributes: [] }).attributes, ...(record.attributes as [])].map(pair);
      assert.equal(new Set(all.map(([name]) => name)).size, all.length, 'each attribute once');
      const kept = Object.fromEntries(
        all.flatMap(([name, value]) => (name.startsWith('synpipe.') ? [[name.slice(8), value]] : [])),
      );
      for (const [name, value] of all.filter(([one]) => !one.startsWith('synpipe.')))
        assert.ok(fits[otel.get(name) ?? '']?.(value) ?? (otel.get(name) === 'string' && text(value)), name);
      const found = Object.fromEntries([...all, ['timeUnixNano', record.timeUnixNano]]);
      assertKept(event, otelFields, kept, (name) => found[name]);
    }),
  );
});

/** Asserts that each field is in one of its places, in some form, or kept unchanged. */
function assertKept(event: AnyEvent, tables: typeof ecsFields, kept: Fields, at: (name: string) => unknown): void {
  for (const [name, value] of Object.entries(event)) {
    if (name === 'type' || name === 'v') continue;
    if (Object.hasOwn(kept, name)) {
      assert.deepEqual(kept[name], value, name);
      continue;
    }
    const places = Object.keys(tables[event.type]?.[name] ?? {});
    assert.ok(
      places.some((one) => at(one) !== undefined),
      `${name} is lost`,
    );
    for (const one of places.map(at).filter((one) => one !== undefined)) {
      const same = [value, String(value), `ipv${value}`, (value as number) * 1000];
      const isTime = /^\d+$/.test(String(one)) && String(Date.parse(String(value))) === String(one).slice(0, -6);
      assert.ok(
        isTime || same.some((form) => JSON.stringify(form) === JSON.stringify(one)),
        `${name}: ${JSON.stringify(one)}`,
      );
    }
  }
}

test('if a scanner accepts an event, it accepts what both write of it: the next stage need not parse that', async () => {
  const scanners = [new PlainScanner(1 << 20, 1), new WasmScanner(1 << 20, 1)];
  const accepts = (scanner: (typeof scanners)[number], line: string) => {
    scanner.scan(0, scanner.buffer.write(`${line}\n`));
    return scanner.table[scanner.first + record.at.kind] !== unknownKind;
  };
  // statuses and summaries can have objects and fractions in their fields
  for (const type of ['connect', 'outcome', 'pending', 'closed', 'open', 'dns', 'lost']) {
    const lines = fc.sample(eventOf(schemaOf(type)), 200).map((event) => canonical(event));
    const scanned = lines.filter((line) => scanners.every((scanner) => accepts(scanner, line)));
    assert.ok(scanned.length > 50, type); // not addresses such as ::1.2.3.4
    for (const stage of [toEcs(), toOtel()]) {
      const { out } = await runStage(stage, [Buffer.from(scanned.map((line) => `${line}\n`).join(''))]);
      const written = out.split('\n').filter((line) => /^\{"type":"(ecs|otel)"/.test(line));
      assert.equal(written.length, scanned.length);
      for (const line of written) for (const scanner of scanners) assert.ok(accepts(scanner, line), line);
    }
  }
});

test('events of other types pass unchanged; one without a time gets the time of the one before', async () => {
  const lost = { type: 'lost', v: 1, stage: 'filter', where: 'invalid', count: 3 };
  const status = { type: 'status', v: 1, ts, stage: 'filter', phase: 'start', version: '1' };
  for (const stage of [toEcs(), toOtel()]) {
    const input = `{ "type": "mine", "x": [1] }\n${ndjson(status, lost)}`;
    const { out, ledger } = await runStage(stage, [Buffer.from(input)]);
    const [mine, , last] = out.split('\n');
    assert.equal(mine, '{ "type": "mine", "x": [1] }');
    assert.match(
      last as string,
      /^{"type":"ecs".*"@timestamp":"2026-11-23T08:15:30.000000Z"|"timeUnixNano":"1795421730000000000"/,
    );
    assert.deepEqual([ledger.in, ledger.out, ledger.lost], [3, 3, 0]);
  }
});

test('every field in the schemas has a place, and no table names an unknown field', () => {
  const more = ['country', 'city', 'asn', 'as_org']; // of enrich --mmdb
  for (const [type, table] of [...Object.entries(ecsFields), ...Object.entries(otelFields)])
    for (const name of Object.keys(table)) {
      const known = { ...schemaOf('outcome').properties, ...schemaOf(type).properties };
      assert.ok(name in known || more.includes(name), `${type}: ${name}`);
    }
});
