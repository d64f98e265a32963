import { eventsOf, nanoseconds, type Preset } from '../preset.js';

type Value = { stringValue: string } | { intValue: string } | { doubleValue: number } | { boolValue: boolean };

/** OTLP over HTTP, JSON: a log record for each event, with its fields as attributes. */
export const otlp = (): Preset => ({
  path: '/v1/logs',
  contentType: 'application/json',
  passing: (status) => [408, 429, 502, 503, 504].includes(status),
  body: ({ lines, began }) => {
    const logRecords = eventsOf(lines).map((event, at) => ({
      timeUnixNano: nanoseconds(event.ts, began),
      severityNumber: event.type === 'lost' || event.error !== undefined ? 13 : 9,
      body: { stringValue: (lines[at] as Buffer).toString() },
      attributes: Object.entries(event).map(([key, value]) => ({ key, value: attribute(value) })),
    }));
    const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'synpipe' } }] };
    return Buffer.from(
      JSON.stringify({ resourceLogs: [{ resource, scopeLogs: [{ scope: { name: 'synpipe' }, logRecords }] }] }),
    );
  },
  verdict: ({ body }) => {
    const { partialSuccess } = JSON.parse(body || '{}') as {
      partialSuccess?: { rejectedLogRecords?: string | number; errorMessage?: string };
    };
    const count = Number(partialSuccess?.rejectedLogRecords ?? 0);
    const reason = partialSuccess?.errorMessage ?? 'partial success';
    return { retry: [], rejected: [], ...(count > 0 && { unnamed: { count, reason } }) };
  },
});

function attribute(value: unknown): Value {
  if (typeof value === 'boolean') return { boolValue: value };
  if (typeof value === 'number')
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  return { stringValue: typeof value === 'string' ? value : JSON.stringify(value) };
}
