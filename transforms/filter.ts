import { attemptTypes } from '../schemas/attempts.js';
import { defineCommand } from '../schemas/pipe/command.js';
import { UsageError } from '../schemas/pipe/errors.js';
import { camel, type Given, type Options, type Parsed, parseGiven } from '../schemas/pipe/options.js';
import { type Stage, select } from '../schemas/pipe/stage.js';
import { addresses, type Test } from '../schemas/where/match.js';
import { every, type Holds, has, isType, not, on, some } from '../schemas/where/on.js';
import { fieldsOf, where } from '../schemas/where/where.js';
import { criteria, criterionNames, fieldOf, opposites } from './filter/criteria.js';
import { outcomeOptions, reportingNoOutcomes } from './filter/outcomes.js';

const options = {
  ...criteria,
  failed: { help: 'Outcomes other than established; connect events with an error.' },
  pending: { help: 'Attempts that still wait: pending events.' },
  ...opposites,
  'not-failed': { help: 'The opposite of --failed.' },
  'not-pending': { help: 'The opposite of --pending.' },
  'exclude-loopback': { help: 'No attempts to 127.0.0.0/8 and ::1.' },
  'exclude-private': { help: 'No attempts to RFC 1918, unique local and link-local addresses.' },
  where: {
    value: 'EXPRESSION',
    parse: (text: string) => where(text),
    many: true,
    help: "An expression over the event's fields, see below.",
  },
  invert: { short: 'v', help: 'Pass what would be held back, and hold back what would pass.' },
} satisfies Options;

const loopback = '127.0.0.0/8,::1';
const privateUse = '10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10';

const fields = fieldsOf(attemptTypes);
const holds = (field: string, test: Test): Holds => on(field, fields.get(field), test);

/** Whether an attempt is known to have failed: never of one that still waits. */
function failed(): Holds {
  const established = holds('result', (value) => value === 'established');
  const errno = has('errno', fields.get('errno'));
  return some([every([isType('outcome'), not(established)]), every([isType('connect'), errno])]);
}

function conditions({ values }: Parsed<typeof options>): Holds[] {
  const all: Holds[] = [];
  const tests = values as Record<string, Test[] | undefined>;
  for (const name of criterionNames) {
    const wanted = tests[camel(name)];
    const unwanted = tests[camel(`not-${name}`)];
    if (wanted) all.push(either(name, wanted));
    if (unwanted) all.push(not(either(name, unwanted)));
  }
  if (values.where) all.push(some(values.where));
  if (values.failed) all.push(failed());
  if (values.notFailed) all.push(not(failed()));
  if (values.pending) all.push(isType('pending'));
  if (values.notPending) all.push(not(isType('pending')));
  if (values.excludeLoopback) all.push(not(holds('daddr', addresses(loopback))));
  if (values.excludePrivate) all.push(not(holds('daddr', addresses(privateUse))));
  return all;
}

function either(name: (typeof criterionNames)[number], tests: Test[]): Holds {
  return some(tests.map((test) => holds(fieldOf(name), test)));
}

function stage(parsed: Parsed<typeof options>): Stage {
  const { values, given } = parsed;
  const all = every(conditions(parsed));
  const chosen = select('filter', attemptTypes, values.invert ? not(all) : all, given);
  const about = Object.keys(given).filter((name) => outcomeOptions.includes(name.replace(/^not-/, '')));
  if (about.length === 0) return chosen;
  const waits = values.result?.some((test) => test('pending'));
  const required = about.filter((name) => !name.startsWith('not-') && !(name === 'result' && waits));
  if (values.pending && required[0])
    throw new UsageError(
      `--pending and --${required[0]} exclude each other: an attempt that waits has no outcome; for what failed or waits write --not-result established`,
    );
  return reportingNoOutcomes(chosen, about, values.invert ? [] : required);
}

export const command = defineCommand({
  name: 'filter',
  summary: 'passes the events of attempts for which all the given options hold',
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
  ],
  options,
  instead: {
    process: 'write --comm',
    ip: 'write --daddr',
    '': "an expression is written --where 'dport == 443'",
  },
  notes: `
An option given twice holds when either value does. Only connect, outcome and pending events are filtered; all other
events pass.

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
