import { attemptTypes } from '../../schemas/attempts.js';
import { list, type Option, oneOf } from '../../schemas/pipe/command/options.js';
import { microseconds } from '../../schemas/pipe/command/units.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { addresses, globs, names, numbers, ranged, type Test } from '../../schemas/where/match.js';
import { fieldsOf } from '../../schemas/where/where.js';

/** An option that tests a field: `field`, or the field that has the option's name. */
interface Criterion extends Option {
  value: string;
  parse(text: string): Test;
  many: true;
  field?: string;
}

const port = numbers(0, 65535);
const id = numbers(0, 4294967295);

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

/** Returns a parser of a list whose items must match `form`. */
const listOf =
  (form: RegExp, what: string) =>
  (text: string): Test => {
    const wanted: unknown[] = list((part) => {
      if (!form.test(part)) throw new UsageError(`needs ${what}, not "${part}"`);
      return part;
    })(text);
    return (value) => wanted.includes(value);
  };

/** Parses the first characters of an ID, as container tools accept them, or a pattern. */
const idPrefix = (text: string): Test => {
  if (text === '' || /[*?[]|^\/.*\/i?$/.test(text)) return names(text);
  return (value) => typeof value === 'string' && value.startsWith(text);
};

const over = (text: string): Test => {
  const limit = microseconds(text);
  const range = [limit + 1, Number.POSITIVE_INFINITY] as const;
  return ranged((value) => typeof value === 'number' && value > limit, [range]);
};

const glob = 'a glob or a /regular expression/';
const many = true;

/** The options that test a field. If one is given several times, one of its values must match. */
export const criteria = {
  dport: { value: 'PORTS', parse: port, many, help: 'Remote port: a list of ports and ranges, 443,8000-8100.' },
  sport: { value: 'PORTS', parse: port, many, help: 'Local port.' },
  daddr: { value: 'ADDRS', parse: addresses, many, help: 'Remote address: a list of addresses and CIDR blocks.' },
  saddr: { value: 'ADDRS', parse: addresses, many, help: 'Local address.' },
  pid: { value: 'PIDS', parse: id, many, help: 'Process ID: a list of IDs and ranges.' },
  uid: { value: 'UIDS', parse: id, many, help: 'User ID: a list of IDs and ranges.' },
  comm: { value: 'NAME', parse: names, many, help: "Thread name: a glob ('node*') or a /regular expression/." },
  pcomm: { value: 'NAME', parse: names, many, help: `Process name: ${glob}.` },
  exe: { value: 'PATH', parse: globs, many, help: "Path of the program: a glob ('/opt/*'; * also matches slashes)." },
  netns: { value: 'INODES', parse: id, many, help: 'Network namespace: a list of inode numbers and ranges.' },
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
    parse: listOf(/^[A-Z][A-Z0-9]{1,31}$/, 'error names such as ECONNREFUSED or NXDOMAIN'),
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
    parse: listOf(/^[a-z][a-z0-9-]{1,31}$/, 'ICMP errors such as port-unreachable'),
    many,
    help: 'ICMP error that rejected the attempt: a list such as port-unreachable,admin-prohibited.',
  },
  'icmp-from': {
    value: 'ADDRS',
    parse: addresses,
    many,
    field: 'icmp_from',
    help: 'Sender of the ICMP error: a list of addresses and CIDR blocks.',
  },
  'latency-over': {
    value: 'DURATION',
    parse: over,
    many,
    field: 'latency_us',
    help: 'Outcomes that took longer than this: 500us, 100ms, 2s.',
  },
  name: {
    value: 'NAME',
    parse: (text: string) => names(text, 'i'),
    many,
    help: `Name of the remote address, or the name that was looked up: ${glob}. Globs ignore case. ('*.example.com' does not match example.com itself.)`,
  },
  'name-source': {
    value: 'SOURCES',
    ...enumerated('name_source'),
    many,
    field: 'name_source',
    help: 'Source of the name: a list of dns, hosts, ptr.',
  },
  service: { value: 'NAME', parse: names, many, help: `Name of the remote port: ${glob}.` },
  user: { value: 'NAME', parse: names, many, help: `User name: ${glob}.` },
  group: { value: 'NAME', parse: names, many, help: `Group name: ${glob}.` },
  unit: { value: 'NAME', parse: names, many, help: `systemd unit: ${glob}.` },
  container: { value: 'ID', parse: idPrefix, many, help: `Container: the first characters of its ID, ${glob}.` },
  pod: { value: 'UID', parse: idPrefix, many, help: `Kubernetes pod: the first characters of its UID, ${glob}.` },
  host: { value: 'NAME', parse: names, many, help: `Host that made the attempt: ${glob}.` },
} satisfies Record<string, Criterion>;

type Name = keyof typeof criteria;

/** The same options negated: `--not-NAME`. */
export const negations = Object.fromEntries(
  Object.entries(criteria).map(([name, row]): [string, Option] => [
    `not-${name}`,
    { ...row, help: `The opposite of --${name}.` },
  ]),
) as { [K in Name as `not-${K}`]: (typeof criteria)[K] };

/** Returns the field that a criterion tests. */
export const fieldOf = (name: Name): string => (criteria[name] as Criterion).field ?? name;
export const criterionNames = Object.keys(criteria) as Name[];
