import { fieldKinds } from '../schemas/generated/fields.js';
import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Options, parseGiven } from '../schemas/pipe/command/options.js';
import type { AnyEvent } from '../schemas/pipe/line/line.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { computed, derivedFields } from './to-ecs/derived.js';
import { ecsFields, ecsVersion } from './to-ecs/fields.js';
import { mapFields, own } from './to-ecs/mapping.js';
import { converter } from './to-ecs/stage.js';

/** The top-level fields in schema order. */
const order = Object.keys(fieldKinds.ecs ?? {});
/** The path of each field: its name, split at the dots. */
const paths = new Map<string, readonly string[]>();

/**
 * Converts an event to ECS. Fields that ECS has no field for are kept under `synpipe`. `ts` is used if the event has no
 * time.
 */
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
  for (const [name, value] of Object.entries(derivedFields(event))) put(name, value);
  const rest = mapFields(event, ecsFields[event.type] ?? {}, put);
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

const options = {} satisfies Options;

const stage = () => converter('to-ecs', ecsFields, computed, ecsOf);

/** Creates the stage for use in a program. */
export function toEcs(given: Given<typeof options> = {}): Stage {
  parseGiven(options, given);
  return stage();
}

export const command = defineCommand({
  name: 'to-ecs',
  summary: 'converts events to the Elastic Common Schema (ECS)',
  usage: '[OPTION]…',
  examples: [
    [
      'collector | enrich | to-ecs | sink-http --preset elasticsearch --into connects https://es:9200',
      "index events into Elasticsearch, for Elastic's dashboards and rules",
    ],
    ["to-ecs events.ndjson | jq -c 'del(.type, .v)'", 'pure ECS, without the synpipe type and version'],
  ],
  options,
  notes: `Each event becomes an event of type "ecs". Fields that ECS has no field for are kept under "synpipe". Events of
unknown types pass unchanged. "lost" events of earlier stages are converted; those that to-ecs itself and later stages
add are not.`,
  stage,
});
