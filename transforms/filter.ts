import { defineCommand } from '../schemas/pipe/command.js';
import { Field } from '../schemas/pipe/field.js';
import type { Line } from '../schemas/pipe/line.js';
import {
  type Given,
  list,
  type Option,
  type Options,
  oneOf,
  type Parsed,
  parseGiven,
} from '../schemas/pipe/options.js';
import { type Stage, select } from '../schemas/pipe/stage.js';
import { addresses, names, numbers, type Test } from './filter/match.js';
import { remembered } from './filter/memo.js';

const port = numbers(0, 65535);
const id = numbers(0, 4294967295);
const resultNames = ['established', 'refused', 'timeout', 'unreachable', 'reset', 'denied', 'aborted', 'error'];
const version = (text: string): Test => {
  const family = Number(oneOf('4', '6')(text));
  return (value) => value === family;
};

const results = (text: string): Test => {
  const wanted: unknown[] = list(oneOf(...resultNames))(text);
  return (value) => wanted.includes(value);
};

/** Each criterion is a field of that name and a test of its value; given twice, one of the two must hold. */
const criteria = {
  dport: { value: 'PORTS', parse: port, many: true, help: 'Remote port: a list of ports and ranges, 443,8000-8100.' },
  sport: { value: 'PORTS', parse: port, many: true, help: 'Local port.' },
  daddr: { value: 'ADDRS', parse: addresses, many: true, help: 'Remote address: a list of addresses and CIDR blocks.' },
  saddr: { value: 'ADDRS', parse: addresses, many: true, help: 'Local address.' },
  pid: { value: 'PIDS', parse: id, many: true, help: 'Process: a list of ids and ranges.' },
  uid: { value: 'UIDS', parse: id, many: true, help: 'User: a list of ids and ranges.' },
  comm: { value: 'NAME', parse: names, many: true, help: "Thread's name: a glob ('node*') or a /regular expression/." },
  family: { value: '4|6', parse: version, many: true, help: 'IP version of the destination.' },
  result: {
    value: 'RESULTS',
    parse: results,
    many: true,
    help: 'How the attempt ended: a list of results, refused,timeout.',
  },
} satisfies Options;

type Name = keyof typeof criteria;
/** The criteria whose field is a number; the others are strings. */
const numeric = new Set<string>(['dport', 'sport', 'pid', 'uid', 'family'] satisfies Name[]);
const not = Object.fromEntries(
  Object.entries(criteria).map(([name, row]): [string, Option] => [
    `not-${name}`,
    { ...row, help: `The opposite of --${name}.` },
  ]),
) as { [K in Name as `not-${K}`]: (typeof criteria)[K] };

const options = {
  ...criteria,
  failed: { help: 'Attempts whose call returned an error; outcomes other than established.' },
  ...not,
  'not-failed': { help: 'The opposite of --failed.' },
  'exclude-loopback': { help: 'No attempts to 127.0.0.0/8 and ::1.' },
  'exclude-private': { help: 'No attempts to RFC 1918, unique local and link-local addresses.' },
  invert: { short: 'v', help: 'Pass what would be held back, and hold back what would pass.' },
} satisfies Options;

const loopback = addresses('127.0.0.0/8,::1');
const privateUse = addresses('10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10');

/** Whether a connect or outcome event holds for all that is asked. */
type Keep = (line: Line) => boolean;

/** A test of a field's value as one of the line, on its bytes. */
function on(name: string, test: Test): Keep {
  const field = new Field(name);
  return numeric.has(name) ? (line) => test(line.number(field)) : remembered(field, test);
}

function failed(): Keep {
  const established = on('result', (value) => value === 'established');
  const errno = new Field('errno');
  return (line) => (line.type === 'outcome' ? !established(line) : line.locate(errno));
}

function conditions({ values }: Parsed<typeof options>): Keep[] {
  const all: Keep[] = [];
  const not = (holds: Keep) => all.push((line) => !holds(line));
  for (const name of Object.keys(criteria) as Name[]) {
    const wanted = values[name];
    const unwanted = (values as Record<string, Test[] | undefined>)[`not${name[0]?.toUpperCase()}${name.slice(1)}`];
    if (wanted) all.push(on(name, either(wanted)));
    if (unwanted) not(on(name, either(unwanted)));
  }
  if (values.failed) all.push(failed());
  if (values.notFailed) not(failed());
  if (values.excludeLoopback) not(on('daddr', loopback));
  if (values.excludePrivate) not(on('daddr', privateUse));
  return all;
}

function either(tests: Test[]): Test {
  return tests.length === 1 ? (tests[0] as Test) : (value) => tests.some((test) => test(value));
}

function stage(parsed: Parsed<typeof options>): Stage {
  const all = conditions(parsed);
  const pass = !parsed.values.invert;
  const [first = () => true] = all;
  const every: Keep = all.length > 1 ? (line) => all.every((holds) => holds(line)) : first;
  return select('filter', ['connect', 'outcome'], (line) => every(line) === pass, parsed.given);
}

export const command = defineCommand({
  name: 'filter',
  summary: 'passes the connect and outcome events for which all the given options hold',
  usage: '[OPTION]…',
  examples: [
    ['collector | filter --dport 443', 'what goes to port 443'],
    ['filter --failed --not-comm curl < events.ndjson', 'what failed, but for curl'],
    ['filter --daddr 10.0.0.0/8,fd00::/8 -v < events.ndjson', 'what leaves these networks'],
  ],
  options,
  notes: 'An option given twice holds when either value does. Events other than connect and outcome always pass.',
  stage,
});

/** The stage for programs: `filter({ dport: 443, notComm: 'curl' })`. Throws UsageError on a bad value. */
export function filter(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}
