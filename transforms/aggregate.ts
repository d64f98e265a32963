import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { newOnly } from './aggregate/new.js';
import { options, usualGroups } from './aggregate/options.js';
import { Aggregate } from './aggregate/stage.js';
import { chosenTypes } from './filter/types.js';

/** The stage for programs: `aggregate({ by: 'comm,dport', every: '10s' })`. Throws UsageError on a bad value. */
export function aggregate(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}

function stage(parsed: Parsed<typeof options>): Stage {
  const {
    newOnly: wanted,
    by,
    state,
    expire = Number.POSITIVE_INFINITY,
    maxGroups = usualGroups,
    noLock,
  } = parsed.values;
  if (!wanted) {
    for (const name of ['state', 'expire', 'no-lock']) {
      if (name in parsed.given) throw new UsageError(`--${name} wants --new-only`);
    }
    return new Aggregate(parsed);
  }
  const other = Object.keys(parsed.given).find((name) => !ofNewOnly.includes(name));
  if (other) throw new UsageError(`--new-only passes events as they are; leave out --${other}`);
  if (!by || state === undefined) throw new UsageError('--new-only wants --by FIELDS and --state FILE');
  return newOnly(by, state, expire, maxGroups, chosenTypes(parsed.values), !noLock, parsed.given);
}

const ofNewOnly = ['new-only', 'type', 'keep-dns', 'by', 'state', 'expire', 'max-groups', 'no-lock'];

export const command = defineCommand({
  name: 'aggregate',
  summary: 'counts and measures attempts, or look-ups, by group and window; aggregates of aggregates add up',
  usage: '[OPTION]…',
  examples: [
    ['collector | aggregate --by comm,daddr,dport --every 10s | sink-table', 'who talks to what, each ten seconds'],
    ['aggregate --by name --top 20 < yesterday.ndjson', 'the twenty busiest names of a day'],
    ['aggregate --type dns --by name,error < events.ndjson', 'what was looked up, and which of it failed'],
    [
      'cat host-*.ndjson | aggregate --by daddr/24 --measure count,distinct:comm',
      'summaries of several hosts become one',
    ],
  ],
  options,
  instead: { interval: 'write --every', window: 'write --every', '': 'write --by FIELDS' },
  notes: `\`pending\` of a summary is the number of attempts that still wait when its window ends. Summaries in the input are added up with the events; those of look-ups pass, or with --type dns those of attempts. dns events end here unless --type or --keep-dns names them. All other events pass, lost ones too.`,
  stage,
});
