import { attemptTypes } from '../schemas/attempts.js';
import { fieldKinds } from '../schemas/generated/fields.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Options, parseGiven } from '../schemas/pipe/command/options.js';
import type { AnyEvent } from '../schemas/pipe/line/line.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { type Computed, sentence, succeeded } from './to-ecs/derived.js';
import { mapFields, own } from './to-ecs/mapping.js';
import { converter } from './to-ecs/stage.js';
import { nanoseconds, otelFields } from './to-otel/fields.js';
import { attributes } from './to-otel/value.js';

const [info, warn] = [
  { severityNumber: 9, severityText: 'INFO' },
  { severityNumber: 13, severityText: 'WARN' },
];
const inResource = ['host.name'];
/** Attributes under `synpipe.` that are not integers. */
const fractions = new Set(
  Object.entries(fieldKinds.summary ?? {}).flatMap(([name, { is, whole }]) =>
    is === 'number' && !whole ? [`${own}.${name}`] : [],
  ),
);

/** Converts an event to a line of OTLP JSON with one log record. `ts` is used if the event has no time. */
export function otelOf(event: AnyEvent, ts: string): AnyEvent {
  const found = new Map(Object.entries(derivedFields(event)));
  const rest = mapFields(event, otelFields[event.type] ?? {}, (name, value) => found.set(name, value));
  const timeUnixNano = found.get('timeUnixNano') ?? nanoseconds(ts) ?? '0';
  found.delete('timeUnixNano');
  const all = [...found, ...rest.map(([name, value]): [string, unknown] => [`${own}.${name}`, value])];
  const record = {
    timeUnixNano,
    ...(event.type === 'lost' || succeeded(event) === false ? warn : info),
    eventName: `${own}.${event.type}`,
    body: { stringValue: sentence(event) },
    attributes: attributes(
      all.filter(([name]) => !inResource.includes(name)),
      fractions,
    ),
  };
  const resource = [['service.name', own] as [string, unknown], ...all.filter(([name]) => inResource.includes(name))];
  const scopeLogs = [{ scope: { name: own }, logRecords: [record] }];
  return { type: 'otel', v: 1, resourceLogs: [{ resource: { attributes: attributes(resource) }, scopeLogs }] };
}

/** Returns the attributes of the semantic conventions that do not come from a single field of the event. */
function derivedFields(event: AnyEvent): Record<string, unknown> {
  const { type, daddr, exe, result, error } = event as Record<string, unknown>;
  const program = exe !== undefined && { 'process.executable.name': base(exe) };
  if (type === 'dns') return { 'network.protocol.name': 'dns', 'network.peer.port': 53, ...program };
  if (!attemptTypes.includes(type as string)) return {};
  return {
    'network.transport': 'tcp',
    'server.address': daddr,
    ...program,
    ...(error === undefined && succeeded(event) === false && { 'error.type': result }),
  };
}

const base = (exe: unknown) =>
  String(exe)
    .replace(/ \(deleted\)$/, '')
    .replace(/^.*\/(?=.)/s, '');

const options = {} satisfies Options;

const computed: readonly Computed[] = [
  { op: 'nanoseconds', of: ['ts'], text: nanoseconds },
  { op: 'base', of: ['exe'], text: base },
];

const stage = () => converter('to-otel', otelFields, computed, otelOf);

/** Creates the stage for use in a program. */
export function toOtel(given: Given<typeof options> = {}): Stage {
  parseGiven(options, given);
  return stage();
}

export const command = defineCommand({
  name: 'to-otel',
  summary: 'converts events to OpenTelemetry log records',
  usage: '[OPTION]…',
  examples: [
    [
      'collector | enrich --with names,host | to-otel | sink-http --preset otlp http://otel:4318',
      'send events to an OpenTelemetry Collector',
    ],
    ['collector | to-otel | sink-file otel.jsonl', "write a file for the Collector's otlpjsonfile receiver"],
  ],
  options,
  notes: `Each event becomes a line of OTLP JSON, of type "otel", with one log record. Its attributes are named by the semantic
conventions. A field that these do not define becomes synpipe.FIELD. Events of unknown types pass unchanged. "lost" events
of earlier stages are converted; those that to-otel itself and later stages add are not.`,
  stage,
});
