import type { Otel } from '../../../schemas/generated/events.js';
import { Body, BodyParts } from '../body.js';
import { EventReader } from '../event-reader.js';
import type { Preset } from '../preset.js';
import { RecordWriter } from '../records.js';

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
    parts.clear();
    const logs = new Logs();
    const event = new EventReader(began);
    const alone = (line: Buffer) => add(logs, line, event);
    let others: Buffer[] = [];
    const addOthers = () => {
      records.write(others, () => logs.own, alone);
      others = [];
    };
    for (const line of lines) {
      if (line.toString('latin1', 0, ofOtel.length) !== ofOtel) {
        others.push(line);
        continue;
      }
      addOthers();
      if (!logs.copy(line)) alone(line);
    }
    addOthers();
    return logs.body;
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

const ours = { attributes: [{ key: 'service.name', value: { stringValue: 'synpipe' } }] };
const scope = { name: 'synpipe' };
const [info, warn] = [9, 13];
const ofOtel = '{"type":"otel"';
const body = (severity: number) => `","severityNumber":${severity},"body":{"stringValue":`;
const texts = { before: ',{"timeUnixNano":"', between: body(info), failed: body(warn), after: '},"attributes":[' };
const records = new RecordWriter({ ...texts, end: ']}' });
const parts = new BodyParts();

/** Adds the log records of a line. */
function add(logs: Logs, line: Buffer, reader: EventReader): void {
  reader.move(line);
  const event = JSON.parse(line.toString()) as Event;
  if (event.type !== 'otel') logs.own.text(`,${JSON.stringify(recordOf(event, line, reader))}`);
  else
    for (const { resource, scopeLogs } of (event as unknown as Otel).resourceLogs)
      for (const { scope, logRecords } of scopeLogs) logs.add(resource, scope, logRecords);
}

function recordOf(event: Event, line: Buffer, reader: EventReader): object {
  return {
    timeUnixNano: reader.nanoseconds,
    severityNumber: event.type === 'lost' || event.error !== undefined ? warn : info,
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

/** The start of a line from to-otel, what is before its first record, and what is after its last one. */
const [start, first, end] = ['{"type":"otel","v":1,"resourceLogs":', '"logRecords":[', ']}]}]}'];

const nothing: Buffer = Buffer.alloc(0);

/** Log records as JSON, by resource and scope. */
class Logs {
  readonly #resources = new Map<string, Map<string, Body>>();
  /** For each text up to the first record, where its records belong; undefined if such a line cannot be copied. */
  readonly #known = new Map<string, Body | undefined>();

  #own: Body | undefined;
  /** The last line's text up to its first record, and where its records belong. */
  #head = nothing;
  #place: Body | undefined;

  add(resource: object, scope: object, records: readonly object[]): void {
    const body = this.#of(resource, scope);
    for (const record of records) body.text(`,${JSON.stringify(record)}`);
  }

  /** The records of other events, each with a comma before it. */
  get own(): Body {
    this.#own ??= this.#of(ours, scope);
    return this.#own;
  }

  /** Copies the records of a line as to-otel writes it, with one resource and one scope. Returns false for any other line. */
  copy(line: Buffer): boolean {
    const { length } = this.#head;
    const isSame = length > 0 && length <= line.length && line.compare(this.#head, 0, length, 0, length) === 0;
    if (!isSame) this.#moveTo(line);
    if (!this.#place) return false;
    const from = this.#head.length;
    const to = closing(line, from);
    if (line.toString('latin1', to) !== end) return false;
    if (to > from) {
      this.#place.text(',');
      this.#place.bytes(line.subarray(from, to));
    }
    return true;
  }

  /** The body of a request with all of them. */
  get body(): Buffer {
    const sizes = [...this.#resources.values()].flatMap((scopes) => [...scopes.values()].map(({ all }) => all.length));
    const body = new Body(sizes.reduce((sum, size) => sum + size, 1 << 10));
    let before = '{"resourceLogs":[';
    for (const [resource, scopes] of this.#resources) {
      before += `{"resource":${resource},"scopeLogs":[`;
      for (const [scope, records] of scopes) {
        body.text(`${before}{"scope":${scope},"logRecords":[`);
        body.bytes(records.all.subarray(1)); // without the first comma
        before = ']},';
      }
      before = ']}]},';
    }
    body.text(']}]}]}');
    return body.all;
  }

  /** Moves to the place of a line's records. */
  #moveTo(line: Buffer): void {
    const from = line.indexOf(first) + first.length;
    const isOurs = from > start.length && line.toString('latin1', 0, start.length) === start;
    this.#head = isOurs ? line.subarray(0, from) : nothing;
    this.#place = undefined;
    if (!isOurs) return;
    const head = line.toString('utf8', start.length, from);
    if (!this.#known.has(head)) this.#known.set(head, this.#placeOf(head));
    this.#place = this.#known.get(head);
  }

  #placeOf(head: string): Body | undefined {
    try {
      const resources = JSON.parse(head + end.slice(0, -1)) as Otel['resourceLogs'];
      const [{ resource = {}, scopeLogs: [{ scope = {} } = {}] = [] } = {}] = resources as Partial<
        Otel['resourceLogs'][0]
      >[];
      const plain = [{ resource, scopeLogs: [{ scope, logRecords: [] }] }];
      if (JSON.stringify(plain) === JSON.stringify(resources)) return this.#of(resource, scope);
    } catch {}
    return undefined;
  }

  #of(resource: object, scope: object): Body {
    const scopes = getOrCreate(this.#resources, resource, () => new Map<string, Body>());
    return getOrCreate(scopes, scope, () => parts.next());
  }
}

/** Returns the map's value for `thing`, which is created if it is missing. Things are compared by content. */
function getOrCreate<T>(map: Map<string, T>, thing: object, make: () => T): T {
  const key = JSON.stringify(thing);
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}

const [quote, backslash] = [34, 92];

/** Returns where the bracket is closed that was opened before `from`; the end of the line if it is not. */
function closing(line: Buffer, from: number): number {
  let depth = 1;
  let at = from;
  for (; at < line.length; at++) {
    const byte = line[at] as number;
    if (byte === quote) {
      for (at++; line[at] !== quote && at < line.length; at++) if (line[at] === backslash) at++;
    } else if (byte === 91 || byte === 123) depth++;
    else if ((byte === 93 || byte === 125) && --depth === 0) break;
  }
  return at;
}
