import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { conflict } from '../schemas/pipe/messages/errors.js';
import { select } from '../schemas/pipe/stage/select.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { every, not } from '../schemas/where/on.js';
import { checkOptions } from './filter/check.js';
import { conditions, needs } from './filter/conditions.js';
import { reportNotEnriched } from './filter/enriched.js';
import { options } from './filter/options.js';
import { outcomeOptions, reportMissingOutcomes } from './filter/outcomes.js';
import { chosenTypes } from './filter/types.js';

function stage(parsed: Parsed<typeof options>): Stage {
  const { values, given } = parsed;
  const { types, drops } = chosenTypes(values);
  checkOptions(given, types);
  const all = every(conditions(values, types));
  const plain = select('filter', types, values.invert ? not(all) : all, given, drops);
  const selected = values.invert ? plain : reportNotEnriched(plain, types, needs(values));
  const used = Object.keys(given).filter((name) => outcomeOptions.includes(name.replace(/^not-/, '')));
  if (used.length === 0) return selected;
  const takesPending = values.result?.some((test) => test('pending'));
  const required = used.filter((name) => !name.startsWith('not-') && !(name === 'result' && takesPending));
  if (values.pending && required[0])
    throw conflict('--pending', `--${required[0]}`, {
      reason: 'a pending attempt has no outcome',
      remedy: 'use --not-result established for attempts that failed or are pending',
    });
  return reportMissingOutcomes(selected, types, used, values.invert ? [] : required);
}

export const command = defineCommand({
  name: 'filter',
  summary: 'passes the attempts or look-ups that match all options',
  usage: '[OPTION]…',
  examples: [
    ['collector | filter --dport 443', 'attempts to port 443'],
    ['filter --failed --not-comm curl events.ndjson', "attempts that failed, except curl's"],
    ['collector | filter --pending', 'attempts that hang'],
    ['collector | filter --not-result established', 'attempts that failed or hang'],
    ["enrich | filter --name '*.example.com' --latency-over 100ms", 'slow attempts to these names'],
    [
      `filter --where 'dport == 443 and not daddr in 10.0.0.0/8 and name =~ "amazonaws.com$"'`,
      'attempts that meet all three conditions',
    ],
    ["filter --where 'result == refused or latency_us > 100ms' events.ndjson", 'refused attempts and slow ones'],
    ['filter --daddr 10.0.0.0/8,fd00::/8 -v events.ndjson', 'attempts to addresses outside these networks'],
    ['collector --dns | filter --type dns --failed', 'names that do not resolve'],
    ['filter --closed-by reset_received,timeout events.ndjson', 'connections that broke'],
  ],
  options,
  lenient: true,
  instead: {
    process: 'use --comm',
    ip: 'use --daddr',
    dest: "use --name, --daddr, or --where 'dest == …'",
    '': "use --where for expressions, as in --where 'dport == 443'",
  },
  notes: `
If an option is given twice, an event needs to match only one of the two values. filter works on attempts and their
connections (connect, outcome, pending, closed and open events) or on the types that --type names. dns events are dropped
unless you give --type dns or --keep-dns. All other events pass.

An EXPRESSION joins conditions with and, or, not and ( ). A condition is one of
  FIELD                           the event has this field
  FIELD == VALUE                  also !=, and for numbers, durations and times < <= > >=
  FIELD in (VALUE, …)             also "not in", ranges (8000-8100) and networks (10.0.0.0/8)
  FIELD =~ "…"                    matches a regular expression, also /…/i; !~ does not match
Write a field of the schemas as it is (dport), and any other field with a dot (.team, ."a b"). A value is a number, a
duration (100ms), an address, a time, a word, or a text in quotes. Upper and lower case differ, unlike in --name: for any
case, write name =~ /…/i. If the event does not have the field, no
comparison is true: uid != 0 passes events with another uid, and not uid == 0 also passes events without a uid.
`,
  stage,
});

/** Creates the stage for use in a program: `filter({ dport: 443, notComm: 'curl' })`. Throws UsageError on a bad value. */
export function filter(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}
