import { attemptTypes } from '../schemas/attempts.js';
import { fieldKinds } from '../schemas/generated/fields.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import type { AnyEvent } from '../schemas/pipe/line/line.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { sentence, worked } from './to-ecs/about.js';
import { own, place } from './to-ecs/places.js';
import { converter } from './to-ecs/stage.js';
import { nanoseconds, otelFields } from './to-otel/fields.js';
import { attributes } from './to-otel/value.js';

const [info, warn] = [
  { severityNumber: 9, severityText: 'INFO' },
  { severityNumber: 13, severityText: 'WARN' },
];
const inResource = ['host.name'];
/** Those of our own that are no integers. */
const fractions = new Set(
  Object.entries(fieldKinds.summary ?? {}).flatMap(([name, { is, whole }]) =>
    is === 'number' && !whole ? [`${own}.${name}`] : [],
  ),
);

/** An event as a line of OTLP's JSON with one log record. `ts` is for one that has none. */
export function otelOf(event: AnyEvent, ts: string): AnyEvent {
  const found = new Map(Object.entries(about(event)));
  const rest = place(event, otelFields[event.type] ?? {}, (name, value) => found.set(name, value));
  const timeUnixNano = found.get('timeUnixNano') ?? nanoseconds(ts) ?? '0';
  found.delete('timeUnixNano');
  const all = [...found, ...rest.map(([name, value]): [string, unknown] => [`${own}.${name}`, value])];
  const record = {
    timeUnixNano,
    ...(event.type === 'lost' || worked(event) === false ? warn : info),
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

/** What the conventions have a name for, and is no field of its own. */
function about(event: AnyEvent): Record<string, unknown> {
  const { type, daddr, exe, result, error } = event as Record<string, unknown>;
  const program = exe !== undefined && { 'process.executable.name': base(exe as string) };
  if (type === 'dns') return { 'network.protocol.name': 'dns', 'network.peer.port': 53, ...program };
  if (!attemptTypes.includes(type as string)) return {};
  return {
    'network.transport': 'tcp',
    'server.address': daddr,
    ...program,
    ...(error === undefined && worked(event) === false && { 'error.type': result }),
  };
}

const base = (exe: string) => exe.replace(/ \(deleted\)$/, '').replace(/^.*\/(?=.)/s, '');

/** The stage for programs. */
export function toOtel(): Stage {
  return converter('to-otel', Object.keys(otelFields), otelOf);
}

export const command = defineCommand({
  name: 'to-otel',
  summary: 'writes events as OpenTelemetry log records',
  usage: '[OPTION]…',
  examples: [
    [
      'collector | enrich --with names,host | to-otel | sink-http --preset otlp http://otel:4318',
      'to an OpenTelemetry collector',
    ],
    ['collector | to-otel | sink-file otel.jsonl', 'a file that its otlpjsonfile receiver reads'],
  ],
  options: {},
  notes: `Each event becomes a line of OTLP's JSON, of type "otel", with one log record whose attributes have the names of the
semantic conventions. Fields that these have no name for are kept as "synpipe." and their own name. Events of types that
are not ours pass as they are. So do "lost" events of to-otel itself and of what comes behind it.`,
  stage: toOtel,
});
