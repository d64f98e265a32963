import type { Otel } from '../../../schemas/generated/events.js';
import { eventsOf, nanoseconds, type Preset } from '../preset.js';

type Value = { stringValue: string } | { intValue: string } | { doubleValue: number } | { boolValue: boolean };
type Event = { [key: string]: unknown };

/**
 * OTLP over HTTP with JSON. Lines from `to-otel` contain log records already; any other event becomes a log record with its
 * fields as attributes.
 */
export const otlp = (): Preset => ({
  path: '/v1/logs',
  contentType: 'application/json',
  isTemporary: (status) => [408, 429, 502, 503, 504].includes(status),
  body: ({ lines, began }) => {
    const resourceLogs = new Map<string, { resource: object; scopeLogs: Map<string, Scoped> }>();
    const add = (resource: object, scope: object, records: object[]) => {
      const { scopeLogs } = getOrCreate(resourceLogs, resource, () => ({ resource, scopeLogs: new Map() }));
      getOrCreate(scopeLogs, scope, () => ({ scope, logRecords: [] as object[] })).logRecords.push(...records);
    };
    for (const [at, event] of eventsOf(lines).entries()) {
      if (event.type !== 'otel') add(ours, scope, [recordOf(event, lines[at] as Buffer, began)]);
      else
        for (const { resource, scopeLogs } of (event as unknown as Otel).resourceLogs)
          for (const { scope, logRecords } of scopeLogs) add(resource, scope, logRecords);
    }
    const all = [...resourceLogs.values()].map(({ resource, scopeLogs }) => ({
      resource,
      scopeLogs: [...scopeLogs.values()],
    }));
    return Buffer.from(JSON.stringify({ resourceLogs: all }));
  },
  results: ({ body }) => {
    const { partialSuccess } = JSON.parse(body || '{}') as {
      partialSuccess?: { rejectedLogRecords?: string | number; errorMessage?: string };
    };
    const count = Number(partialSuccess?.rejectedLogRecords ?? 0);
    const reason = partialSuccess?.errorMessage ?? 'partial success';
    return { retry: [], rejected: [], ...(count > 0 && { unidentified: { count, reason } }) };
  },
});

interface Scoped {
  scope: object;
  logRecords: object[];
}

const ours = { attributes: [{ key: 'service.name', value: { stringValue: 'synpipe' } }] };
const scope = { name: 'synpipe' };

/** Returns the map's value for `thing`, which is created if it is missing. Things are compared by content. */
function getOrCreate<T>(map: Map<string, T>, thing: object, make: () => T): T {
  const key = JSON.stringify(thing);
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

function recordOf(event: Event, line: Buffer, began: number): object {
  return {
    timeUnixNano: nanoseconds(event.ts, began),
    severityNumber: event.type === 'lost' || event.error !== undefined ? 13 : 9,
    body: { stringValue: line.toString() },
    attributes: Object.entries(event).map(([key, value]) => ({ key, value: attribute(value) })),
  };
}

function attribute(value: unknown): Value {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { stringValue: typeof value === 'string' ? value : JSON.stringify(value) };
}
