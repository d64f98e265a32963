import { attemptTypes } from '../../schemas/attempts.js';
import { userId } from '../../schemas/pipe/command/accounts.js';
import { namespaceInode } from '../../schemas/pipe/command/namespaces.js';
import { list, type Option, oneOf } from '../../schemas/pipe/command/options.js';
import { ports } from '../../schemas/pipe/command/services.js';
import { microseconds } from '../../schemas/pipe/command/units.js';
import { invalidValue } from '../../schemas/pipe/messages/errors.js';
import { addresses, globs, listParts, names, numbers, ranged, type Test } from '../../schemas/where/match.js';
import { fieldsOf } from '../../schemas/where/where.js';
import { insteadOf } from '../../schemas/where/words.js';

/** An option that tests a field: `field`, or the field that has the option's name. */
interface Criterion extends Option {
  value: string;
  parse(text: string): Test;
  many: true;
  field?: string;
}

const id = numbers(0, 4294967295);
const netns = numbers(0, 4294967295, namespaceInode);
const users = numbers(0, 4294967295, userId);

const fields = fieldsOf(attemptTypes);

/** Returns the words and the parser of a list of values, for a field whose values the schemas enumerate. */
const enumerated = (field: string) => {
  const words = (fields.get(field)?.words ?? []).map(String);
  const one = oneOf(...words);
  const parse = (text: string): Test => {
    const wanted: unknown[] = list(one)(text);
    return (value) => wanted.includes(value);
  };
  return { words, parse };
};

const version = (text: string): Test => {
  const family = Number(oneOf('4', '6')(text));
  return ranged((value) => value === family, [[family, family]]);
};

/** Returns a parser of a list whose items must match `form`, and be possible values of the field. */
const listOf =
  (form: RegExp, what: string, field = '') =>
  (text: string): Test => {
    const wanted: unknown[] = list((part) => {
      if (!form.test(part)) throw invalidValue(part, `use ${what}`);
      const instead = insteadOf(field, part);
      if (instead) throw invalidValue(part, instead);
      return part;
    })(text);
    return (value) => wanted.includes(value);
  };

/** Parses a list of the first characters of IDs, as container tools accept them, or of patterns. */
const idPrefix = (text: string): Test => {
  const tests = listParts(text).map((part): Test => {
    if (part === '' || /[*?[]|^\/.*\/i?$/s.test(part)) return names(part);
    return (value) => typeof value === 'string' && value.startsWith(part);
  });
  return (value) => tests.some((test) => test(value));
};

const over = (text: string): Test => {
  const limit = microseconds(text);
  const range = [limit + 1, Number.POSITIVE_INFINITY] as const;
  return ranged((value) => typeof value === 'number' && value > limit, [range]);
};

const many = true;

/** The options that test a field. If one is given several times, one of its values must match. */
export const criteria = {
  dport: { value: 'PORTS', parse: ports, many, also: ['port'], help: 'Remote port.' },
  sport: { value: 'PORTS', parse: ports, many, help: 'Local port.' },
  daddr: { value: 'ADDRS', parse: addresses, many, also: ['addr'], help: 'Remote address.' },
  saddr: { value: 'ADDRS', parse: addresses, many, help: 'Local address.' },
  pid: { value: 'PIDS', parse: id, many, help: 'Process ID. Ranges are possible.' },
  uid: { value: 'USERS', parse: users, many, help: 'User, by ID or name.' },
  comm: { value: 'NAMES', parse: names, many, help: 'Thread name.' },
  pcomm: { value: 'NAMES', parse: names, many, help: 'Process name.' },
  exe: {
    value: 'PATHS',
    parse: globs,
    many,
    help: "Path of the program: a list of globs ('/opt/*'; * also matches slashes).",
  },
  netns: { value: 'NETNS', parse: netns, many, help: 'Network namespace.' },
  cgroup: { value: 'IDS', parse: listOf(/^\d{1,20}$/, 'cgroup IDs'), many, help: 'Cgroup: a list of IDs.' },
  family: { value: '4|6', parse: version, many, help: 'IP version of the destination.' },
  via: {
    value: 'WAYS',
    ...enumerated('via'),
    many,
    help: 'How the attempt was made: a list such as io_uring,sendmsg.',
  },
  error: {
    value: 'ERRORS',
    parse: listOf(/^[A-Z][A-Z0-9]{1,31}$/, 'error names such as ECONNREFUSED or NXDOMAIN', 'error'),
    many,
    help: 'Error: a list of names such as ECONNREFUSED,ETIMEDOUT, or for look-ups NXDOMAIN,TIMEOUT.',
  },
  result: {
    value: 'RESULTS',
    ...enumerated('result'),
    many,
    help: 'How the attempt ended: a list such as refused,timeout. pending means that it has not ended.',
  },
  icmp: {
    value: 'ERRORS',
    parse: listOf(/^[a-z][a-z0-9-]{1,31}$/, 'ICMP errors such as port-unreachable', 'icmp'),
    many,
    help: 'ICMP error that rejected the attempt: a list such as port-unreachable,admin-prohibited.',
  },
  'icmp-from': {
    value: 'ADDRS',
    parse: addresses,
    many,
    field: 'icmp_from',
    help: 'Sender of the ICMP error.',
  },
  'drop-reason': {
    value: 'REASONS',
    parse: listOf(/^[A-Z0-9_:]{1,63}$/, 'drop reasons such as NETFILTER_DROP', 'drop_reason'),
    many,
    field: 'drop_reason',
    help: 'Why this machine dropped a packet (collector --drops): a list such as NETFILTER_DROP.',
  },
  'latency-over': {
    value: 'TIME',
    parse: over,
    many,
    field: 'latency_us',
    help: 'Outcomes that took longer than this: 500us, 100ms, 2s.',
  },
  'closed-by': {
    value: 'WAYS',
    ...enumerated('closed_by'),
    many,
    field: 'closed_by',
    help: 'How the connection was closed: a list such as remote,reset_received.',
  },
  'duration-over': {
    value: 'TIME',
    parse: over,
    many,
    field: 'duration_us',
    help: 'Connections that have been established for longer than this: 500ms, 10s, 2h.',
  },
  name: {
    value: 'NAMES',
    parse: (text: string) => names(text, 'i'),
    many,
    help: "Name of the remote address, or the name that was looked up. Globs ignore case. ('*.example.com' does not match example.com itself.)",
  },
  'name-source': {
    value: 'SOURCES',
    ...enumerated('name_source'),
    many,
    field: 'name_source',
    help: 'Source of the name: a list of dns, hosts, ptr.',
  },
  service: { value: 'NAMES', parse: names, many, help: 'Name of the remote port.' },
  user: { value: 'NAMES', parse: names, many, help: 'User name.' },
  group: { value: 'NAMES', parse: names, many, help: 'Group name.' },
  unit: { value: 'NAMES', parse: names, many, help: 'systemd unit.' },
  container: {
    value: 'IDS',
    parse: idPrefix,
    many,
    help: 'Container: a list of IDs (the first characters are enough), globs and /regular expressions/.',
  },
  pod: { value: 'IDS', parse: idPrefix, many, help: 'Kubernetes pod, by its UID, as in --container.' },
  host: { value: 'NAMES', parse: names, many, help: 'Host that made the attempt.' },
} satisfies Record<string, Criterion>;

type Name = keyof typeof criteria;

/** The same options negated: `--not-NAME`. */
export const negations = Object.fromEntries(
  Object.entries(criteria as Record<string, Criterion>).map(([name, { also: _, ...row }]): [string, Option] => [
    `not-${name}`,
    { ...row, help: `The opposite of --${name}.` },
  ]),
) as { [K in Name as `not-${K}`]: (typeof criteria)[K] };

/** Returns the field that a criterion tests. */
export const fieldOf = (name: Name): string => (criteria[name] as Criterion).field ?? name;
export const criterionNames = Object.keys(criteria) as Name[];
