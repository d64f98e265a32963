import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Otel } from '../../../schemas/generated/events.js';
import { presets } from '../../../sinks/http/presets.js';
import { splitLines } from '../../../sinks/spool/lines.js';
import { ecsOf } from '../../../transforms/to-ecs.js';
import { otelOf } from '../../../transforms/to-otel.js';
import { anyEvent, anyLine } from '../../support/arbitrary.js';
import { connect } from '../../support/events.js';

type Kind = 'ndjson' | 'elasticsearch' | 'loki' | 'splunk-hec' | 'otlp';
const began = Date.UTC(2026, 10, 29);
const batch = '0f3c1a2e-2f6d-4f43-8f3e-1c1f3a4b5c6d';
const labels = { host: 'web "1"' };

function nanoseconds({ ts, '@timestamp': ecs }: Record<string, unknown>): string {
  const [, second, fraction = ''] = /^(.{19})(?:\.(\d{1,9}))?Z$/.exec(String(ts ?? ecs)) ?? [];
  const ms = Date.parse(`${second}Z`);
  return String(
    Number.isNaN(ms) ? BigInt(began) * 10n ** 6n : BigInt(ms) * 10n ** 6n + BigInt(fraction.padEnd(9, '0')),
  );
}

function attribute(value: unknown): object {
  if (typeof value === 'boolean') return { boolValue: value };
  if (Number.isSafeInteger(value)) return { intValue: String(value) };
  if (typeof value === 'number') return { doubleValue: value };
  return { stringValue: typeof value === 'string' ? value : JSON.stringify(value) };
}

/** The body of a request, made of parsed events. */
const expected: Record<Kind, (lines: string[]) => string> = {
  ndjson: (lines) => lines.map((line) => `${line}\n`).join(''),
  elasticsearch: (lines) =>
    lines
      .map((line, at) => `${JSON.stringify({ create: { _index: 'connects', _id: `${batch}-${at}` } })}\n${line}\n`)
      .join(''),
  loki: (lines) => {
    const streams = new Map<string, [string, string][]>();
    for (const line of lines) {
      const event = JSON.parse(line);
      const type = String(event.type);
      streams.set(type, [...(streams.get(type) ?? []), [nanoseconds(event), line]]);
    }
    const all = [...streams].map(([type, values]) => ({ stream: { job: 'synpipe', type, ...labels }, values }));
    return JSON.stringify({ streams: all });
  },
  otlp: (lines) => {
    const resourceLogs: { resource: object; scopeLogs: { scope: object; logRecords: object[] }[] }[] = [];
    const place = (resource: object, scope: object) => {
      let logs = resourceLogs.find((one) => JSON.stringify(one.resource) === JSON.stringify(resource));
      logs ??= resourceLogs[resourceLogs.push({ resource, scopeLogs: [] }) - 1] as (typeof resourceLogs)[0];
      const { scopeLogs } = logs;
      const scoped = scopeLogs.find((one) => JSON.stringify(one.scope) === JSON.stringify(scope));
      return (scoped ?? scopeLogs[scopeLogs.push({ scope, logRecords: [] }) - 1])?.logRecords as object[];
    };
    const service = { attributes: [{ key: 'service.name', value: { stringValue: 'synpipe' } }] };
    for (const line of lines) {
      const event = JSON.parse(line);
      if (event.type === 'otel')
        for (const { resource, scopeLogs } of event.resourceLogs)
          for (const { scope, logRecords } of scopeLogs) place(resource, scope).push(...logRecords);
      else
        place(service, { name: 'synpipe' }).push({
          timeUnixNano: nanoseconds(event),
          severityNumber: event.type === 'lost' || event.error !== undefined ? 13 : 9,
          body: { stringValue: line },
          attributes: Object.entries(event).map(([key, value]) => ({ key, value: attribute(value) })),
        });
    }
    return JSON.stringify({ resourceLogs });
  },
  'splunk-hec': (lines) =>
    lines
      .map((line) => {
        const event = JSON.parse(line);
        const time = nanoseconds(event);
        const host = typeof event.host === 'string' ? `"host":${JSON.stringify(event.host)},` : '';
        return `{"time":${time.slice(0, -9)}.${time.slice(-9, -3)},${host}"source":"synpipe","sourcetype":"_json","event":${line}}\n`;
      })
      .join(''),
};

function check(lines: string[]): void {
  const buffers = splitLines(Buffer.from(lines.map((line) => `${line}\n`).join('')));
  const sent = { id: batch, began, lines: buffers, positions: buffers.map((_, at) => at) };
  for (const [kind, body] of Object.entries(expected))
    assert.equal(presets[kind as Kind]({ into: 'connects', labels }).body(sent).toString(), body(lines), kind);
}

test('bodies are those made of parsed events: a recording', () => {
  const path = new URL('../../../collector/replay/sample.ndjson', import.meta.url);
  check(readFileSync(path, 'utf8').trimEnd().split('\n'));
});

test('bodies are those made of parsed events: any events and objects', () => {
  const isObject = (line: string) => {
    try {
      return ![null, undefined].includes(JSON.parse(line)) && JSON.parse(line).constructor === Object;
    } catch {
      return false;
    }
  };
  const ts = fc.constantFrom(
    ...['2026-11-23T08:15:30.123456Z', '2026-11-23T08:15:30.123457Z', '2026-11-23T08:15:31.000000Z'],
    ...['1970-01-01T00:00:00.012345Z', '1969-12-31T23:59:59.500000Z', '0000-01-01T00:00:00.000001Z'],
    ...['2026-11-23T08:15:30Z', '2026-11-23T08:15:30.1Z', '11/23/2026 8:15:3.5Z', '', 'no time'],
  );
  const own = fc.record(
    { ts, host: fc.constantFrom('web-1', 'é"', 5, null), comm: fc.constantFrom('curl', 'tab\t', '日本') },
    { requiredKeys: [] },
  );
  const event = own.chain((more) =>
    fc.constantFrom(
      JSON.stringify(connect(more as never)),
      JSON.stringify(Object.fromEntries(Object.entries(connect(more as never)).reverse())),
      JSON.stringify(connect(more as never)).replaceAll(',"', '\t, "'),
      JSON.stringify({ ...connect({ names: ['a"b', 'é'], error: 'EX', errno: 5 }), team: { a: '\\' } }),
      JSON.stringify({ '@timestamp': more.ts, host: more.host }),
      JSON.stringify({ type: 'ecs', v: 1, '@timestamp': more.ts }),
      JSON.stringify(ecsOf(connect(more.ts?.length === 27 ? { ts: more.ts } : {}), '')),
      ` { "ts" : ${JSON.stringify(more.ts ?? null)} } `,
    ),
  );
  const otel = own.chain(({ host, ts, comm = '' }) => {
    const made = otelOf(connect({ ...(ts?.length === 27 && { ts }), comm, ...(host === 'web-1' && { host }) }), '');
    const text = JSON.stringify(made);
    const [logs] = (made as Otel).resourceLogs;
    const twice = { ...logs, scopeLogs: [...(logs?.scopeLogs ?? []), { scope: { name: 'x"]' }, logRecords: [] }] };
    return fc.constantFrom(
      ...[text, text, text, text.replace('"v":1', '"v": 1'), text.replace(/}$/, ',"more":1}')],
      ...[text.replace(']}]}]}', '],"x":[1]}]}]}'), text.replace(/"logRecords":\[.*/, '"logRecords":[]}]}]}')],
      ...[
        text.replace('"resource":{', '"resource":{"logRecords":[],'),
        text.replace('"scope":{', '"schemaUrl":"","scope":{'),
      ],
      ...[
        [logs, logs],
        [twice, logs],
      ].map((resourceLogs) => JSON.stringify({ ...made, resourceLogs })),
    );
  });
  const line = fc.oneof(
    event,
    otel,
    anyLine.filter(isObject),
    anyEvent.map((event) => JSON.stringify(event)),
  );
  fc.assert(fc.property(fc.array(line, { minLength: 1, maxLength: 40, size: 'max' }), check), { numRuns: 200 });
});

test('bodies are those made of parsed events: long lines, and more than fit at once', () => {
  const long = (count: number) => JSON.stringify(connect({ names: Array.from({ length: count }, () => 'a.example') }));
  check([long(1), long(2500), long(2), long(5000), long(5400), long(1), long(30_000), long(3)]);
  check(Array.from({ length: 3000 }, (_, i) => JSON.stringify(connect({ seq: i + 1 }))));
});
