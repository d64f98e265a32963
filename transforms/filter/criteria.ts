import { attemptTypes } from '../../schemas/attempts.js';
import { list, type Option, oneOf } from '../../schemas/pipe/command/options.js';
import { microseconds } from '../../schemas/pipe/command/units.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { addresses, globs, names, numbers, ranged, type Test } from '../../schemas/where/match.js';
import { fieldsOf } from '../../schemas/where/where.js';

/** An option that tests a field: the one of its name, unless it says another. */
interface Criterion extends Option {
  value: string;
  parse(text: string): Test;
  many: true;
  field?: string;
}

const port = numbers(0, 65535);
const id = numbers(0, 4294967295);

const fields = fieldsOf(attemptTypes);

/** A list of values of a field that the schemas list. */
const among = (field: string) => {
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

/** A list of texts that must be of a form. */
const listed =
  (form: RegExp, what: string) =>
  (text: string): Test => {
    const wanted: unknown[] = list((part) => {
      if (!form.test(part)) throw new UsageError(`wants ${what}, not "${part}"`);
      return part;
    })(text);
    return (value) => wanted.includes(value);
  };

/** The begin of an id, as container tools take it, or a pattern. */
const begin = (text: string): Test => {
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

/** The tests that filter knows. Given twice, one of the two must hold. */
export const criteria = {
  dport: { value: 'PORTS', parse: port, many, help: 'Remote port: a list of ports and ranges, 443,8000-8100.' },
  sport: { value: 'PORTS', parse: port, many, help: 'Local port.' },
  daddr: { value: 'ADDRS', parse: addresses, many, help: 'Remote address: a list of addresses and CIDR blocks.' },
  saddr: { value: 'ADDRS', parse: addresses, many, help: 'Local address.' },
  pid: { value: 'PIDS', parse: id, many, help: 'Process: a list of ids and ranges.' },
  uid: { value: 'UIDS', parse: id, many, help: 'User: a list of ids and ranges.' },
  comm: { value: 'NAME', parse: names, many, help: "Thread's name: a glob ('node*') or a /regular expression/." },
  pcomm: { value: 'NAME', parse: names, many, help: `Process's name: ${glob}.` },
  exe: { value: 'PATH', parse: globs, many, help: "Program: a glob of its path ('/opt/*', where * is any text)." },
  netns: { value: 'INODES', parse: id, many, help: 'Network namespace: a list of inode numbers and ranges.' },
  cgroup: { value: 'IDS', parse: listed(/^\d{1,20}$/, 'cgroup ids'), many, help: 'Cgroup: a list of ids.' },
  family: { value: '4|6', parse: version, many, help: 'IP version of the destination.' },
  via: { value: 'WAYS', ...among('via'), many, help: 'How the attempt was made: a list, io_uring,sendmsg.' },
  error: {
    value: 'ERRORS',
    parse: listed(/^[A-Z][A-Z0-9]{1,31}$/, 'names of errors such as ECONNREFUSED or NXDOMAIN'),
    many,
    help: 'Name of the error: a list, ECONNREFUSED,ETIMEDOUT; of look-ups, NXDOMAIN,TIMEOUT.',
  },
  result: {
    value: 'RESULTS',
    ...among('result'),
    many,
    help: 'How the attempt ended: a list of results, refused,timeout; pending if it has not ended.',
  },
  icmp: {
    value: 'ERRORS',
    parse: listed(/^[a-z][a-z0-9-]{1,31}$/, 'ICMP errors such as port-unreachable'),
    many,
    help: 'ICMP error that rejected the attempt: a list, port-unreachable,admin-prohibited.',
  },
  'icmp-from': {
    value: 'ADDRS',
    parse: addresses,
    many,
    field: 'icmp_from',
    help: 'Who sent that ICMP error: a list of addresses and CIDR blocks.',
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
    help: `Name of the remote address, or the one that was looked up: ${glob}; a glob takes A for a. ('*.example.com' is not example.com itself.)`,
  },
  'name-source': {
    value: 'SOURCES',
    ...among('name_source'),
    many,
    field: 'name_source',
    help: 'Where the name comes from: a list, dns,hosts,ptr.',
  },
  service: { value: 'NAME', parse: names, many, help: `Name of the remote port: ${glob}.` },
  user: { value: 'NAME', parse: names, many, help: `Name of uid: ${glob}.` },
  group: { value: 'NAME', parse: names, many, help: `Name of gid: ${glob}.` },
  unit: { value: 'NAME', parse: names, many, help: `Systemd unit: ${glob}.` },
  container: { value: 'ID', parse: begin, many, help: `Container: the begin of its id, ${glob}.` },
  pod: { value: 'UID', parse: begin, many, help: `Kubernetes pod: the begin of its UID, ${glob}.` },
  host: { value: 'NAME', parse: names, many, help: `Machine of the attempt: ${glob}.` },
} satisfies Record<string, Criterion>;

type Name = keyof typeof criteria;

/** The opposite of each. */
export const opposites = Object.fromEntries(
  Object.entries(criteria).map(([name, row]): [string, Option] => [
    `not-${name}`,
    { ...row, help: `The opposite of --${name}.` },
  ]),
) as { [K in Name as `not-${K}`]: (typeof criteria)[K] };

/** The field that a criterion tests. */
export const fieldOf = (name: Name): string => (criteria[name] as Criterion).field ?? name;
export const criterionNames = Object.keys(criteria) as Name[];
