import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { conflict, needs, UsageError } from '../schemas/pipe/messages/errors.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { newOnly } from './aggregate/new-only.js';
import { defaultGroups, options } from './aggregate/options.js';
import { Aggregate } from './aggregate/stage.js';
import { chosenTypes } from './filter/types.js';

/** Creates the stage for use in a program: `aggregate({ by: 'comm,dport', every: '10s' })`. Throws UsageError on a bad value. */
export function aggregate(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}

function stage(parsed: Parsed<typeof options>): Stage {
  const {
    newOnly: wanted,
    by,
    state,
    expire = Number.POSITIVE_INFINITY,
    maxGroups = defaultGroups,
    noLock,
  } = parsed.values;
  if (!wanted) {
    for (const name of ['state', 'expire', 'no-lock']) {
      if (name in parsed.given) throw needs(`--${name}`, '--new-only');
    }
    return new Aggregate(parsed);
  }
  const other = Object.keys(parsed.given).find((name) => !ofNewOnly.includes(name));
  if (other)
    throw conflict('--new-only', `--${other}`, {
      reason: '--new-only passes events unchanged',
      remedy: `leave out --${other}`,
    });
  if (!by || state === undefined) throw new UsageError('--new-only needs --by FIELDS and --state FILE; add them');
  return newOnly(by, state, expire, maxGroups, chosenTypes(parsed.values), !noLock, parsed.given);
}

const ofNewOnly = ['new-only', 'type', 'keep-dns', 'by', 'state', 'expire', 'max-groups', 'no-lock'];

export const command = defineCommand({
  name: 'aggregate',
  summary: 'counts and measures attempts or look-ups by group and time window; summaries can be aggregated again',
  usage: '[OPTION]…',
  examples: [
    ['collector | aggregate --by comm,daddr,dport --every 10s | sink-table', 'who connects to what, every ten seconds'],
    ['aggregate --by name --top 20 < yesterday.ndjson', 'the twenty busiest names of a day'],
    ['aggregate --type dns --by name,error events.ndjson', 'names that were looked up, and which look-ups failed'],
    [
      'cat host-*.ndjson | aggregate --by daddr/24 --measure count,distinct:comm',
      'combine the summaries of several hosts',
    ],
  ],
  options,
  lenient: true,
  instead: { interval: 'use --every', window: 'use --every', '': 'use --by FIELDS' },
  notes: `\`pending\` in a summary is the number of attempts that are still pending when its window ends.

Summaries in the input are added to the counts, together with the events. Summaries of look-ups pass unchanged, and with
--type dns summaries of attempts pass unchanged instead. dns events are dropped unless you give --type dns or --keep-dns. All other events pass,
including lost events.`,
  stage,
});
