import { fieldKinds } from '../schemas/generated/fields.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import type { AnyEvent } from '../schemas/pipe/line/line.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { about } from './to-ecs/about.js';
import { ecsFields, ecsVersion } from './to-ecs/fields.js';
import { own, place } from './to-ecs/places.js';
import { converter } from './to-ecs/stage.js';

/** In the schema's order. */
const order = Object.keys(fieldKinds.ecs ?? {});
/** Where a field's value goes: its name, cut at the dots. */
const paths = new Map<string, readonly string[]>();

/** An event as ECS has it, with what has no place there under `synpipe`. `ts` is for one that has none. */
export function ecsOf(event: AnyEvent, ts: string): AnyEvent {
  const found: Record<string, unknown> = { type: 'ecs', v: 1, '@timestamp': ts, ecs: { version: ecsVersion } };
  const put = (name: string, value: unknown) => {
    const path = pathOf(name);
    let at = found;
    for (let step = 0; step < path.length - 1; step++) {
      at[path[step] as string] ??= {};
      at = at[path[step] as string] as typeof found;
    }
    at[path.at(-1) as string] = value;
  };
  for (const [name, value] of Object.entries(about(event))) put(name, value);
  const rest = place(event, ecsFields[event.type] ?? {}, put);
  if (rest.length > 0) found[own] = Object.fromEntries(rest);
  const ordered: Record<string, unknown> = {};
  for (const name of order) if (found[name] !== undefined) ordered[name] = found[name];
  return ordered as AnyEvent;
}

function pathOf(name: string): readonly string[] {
  const known = paths.get(name);
  if (known) return known;
  const path = name.split('.');
  paths.set(name, path);
  return path;
}

/** The stage for programs. */
export function toEcs(): Stage {
  return converter('to-ecs', Object.keys(ecsFields), ecsOf);
}

export const command = defineCommand({
  name: 'to-ecs',
  summary: 'writes events as the Elastic Common Schema has them',
  usage: '[OPTION]…',
  examples: [
    [
      'collector | enrich | to-ecs | sink-http --preset elasticsearch --into connects https://es:9200',
      'into Elasticsearch, for its own dashboards and rules',
    ],
    ["to-ecs < events.ndjson | jq -c 'del(.type, .v)'", 'ECS and nothing else'],
  ],
  options: {},
  notes: `Each event becomes one of type "ecs". Fields that ECS has no place for are kept under "synpipe". Events of types that
are not ours pass as they are. So do "lost" events of to-ecs itself and of what comes behind it.`,
  stage: toEcs,
});
