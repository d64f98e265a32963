import { defineCommand } from '../schemas/pipe/command/command.js';
import { type Given, type Parsed, parseGiven } from '../schemas/pipe/command/options.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import { type Stage, select } from '../schemas/pipe/stage/stage.js';
import { every, not } from '../schemas/where/on.js';
import { checkOptions } from './filter/check.js';
import { conditions } from './filter/conditions.js';
import { options } from './filter/options.js';
import { outcomeOptions, reportingNoOutcomes } from './filter/outcomes.js';
import { chosenTypes } from './filter/types.js';

function stage(parsed: Parsed<typeof options>): Stage {
  const { values, given } = parsed;
  const { types, ends } = chosenTypes(values);
  checkOptions(given, types);
  const all = every(conditions(values, types));
  const chosen = select('filter', types, values.invert ? not(all) : all, given, ends);
  const about = Object.keys(given).filter((name) => outcomeOptions.includes(name.replace(/^not-/, '')));
  if (about.length === 0) return chosen;
  const waits = values.result?.some((test) => test('pending'));
  const required = about.filter((name) => !name.startsWith('not-') && !(name === 'result' && waits));
  if (values.pending && required[0])
    throw new UsageError(
      `--pending and --${required[0]} exclude each other: an attempt that waits has no outcome; for what failed or waits write --not-result established`,
    );
  return reportingNoOutcomes(chosen, types, about, values.invert ? [] : required);
}

export const command = defineCommand({
  name: 'filter',
  summary: 'passes the attempts, or look-ups, for which all the given options hold',
  usage: '[OPTION]…',
  examples: [
    ['collector | filter --dport 443', 'what goes to port 443'],
    ['filter --failed --not-comm curl < events.ndjson', 'what failed, except for curl'],
    ['collector | filter --pending', 'what hangs'],
    ['collector | filter --not-result established', 'what failed or hangs'],
    ["enrich | filter --name '*.example.com' --latency-over 100ms", 'what was slow to get there'],
    [`filter --where 'dport == 443 and not daddr in 10.0.0.0/8 and name =~ "amazonaws.com$"'`, 'all of these'],
    ["filter --where 'result == refused or latency_us > 100ms' < events.ndjson", 'either of these'],
    ['filter --daddr 10.0.0.0/8,fd00::/8 -v < events.ndjson', 'what leaves these networks'],
    ['collector --dns | filter --type dns --failed', 'which names do not resolve'],
  ],
  options,
  instead: {
    process: 'write --comm',
    ip: 'write --daddr',
    dest: "write --name, --daddr, or --where 'dest == …'",
    '': "an expression is written --where 'dport == 443'",
  },
  notes: `
An option given twice holds when either value does. filter works on attempts (connect, outcome and pending events), or on
what --type names: dns events end here unless --type or --keep-dns names them. All other events pass.

An EXPRESSION joins conditions with and, or, not and ( ). A condition is one of
  FIELD                           the event has this field
  FIELD == VALUE                  also !=, and for numbers, durations and times < <= > >=
  FIELD in (VALUE, …)             also "not in", ranges (8000-8100) and networks (10.0.0.0/8)
  FIELD =~ "…"                    matches a regular expression, also /…/i; !~ does not match
A field of the schemas is written as it is (dport), any other with a dot (.team, ."a b"). A value is a number, a duration
(100ms), an address, a time, a word, or a text in quotes. Of a field that the event does not have no comparison holds:
uid != 0 passes events with another uid, not uid == 0 also those without one.
`,
  stage,
});

/** The stage for programs: `filter({ dport: 443, notComm: 'curl' })`. Throws UsageError on a bad value. */
export function filter(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}
