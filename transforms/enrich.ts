import { hostname } from 'node:os';
import { defineCommand } from '../schemas/pipe/command/command.js';
import {
  type Given,
  integer,
  list,
  type Options,
  oneOf,
  type Parsed,
  parseGiven,
} from '../schemas/pipe/command/options.js';
import { time } from '../schemas/pipe/command/units.js';
import { UsageError } from '../schemas/pipe/messages/errors.js';
import type { Stage } from '../schemas/pipe/stage/stage.js';
import { type Group, groups } from './enrich/people.js';
import { serverAddress } from './enrich/resolver.js';
import { type Settings, stageOf } from './enrich/setup.js';

const usual: Group[] = ['names', 'service', 'user', 'unit', 'container'];

const options = {
  with: {
    value: 'LIST',
    parse: list(oneOf(...groups)),
    words: groups,
    help: `What to add: a list of ${groups.join(', ')}. Without: ${usual.join(',')}.`,
  },
  offline: { help: 'Ask nobody: names only from the wire and from the hosts file.' },
  resolver: {
    value: 'ADDRESS[:PORT]',
    parse: list(serverAddress),
    many: true,
    help: "DNS server for reverse look-ups, or a list of them. Without: the system's.",
  },
  private: {
    help: "Send private addresses to --resolver too. Without, only the system's own resolver is asked for them.",
  },
  verify: { help: 'Look up the name that a reverse look-up gave, and mark it when it has the address.' },
  saddr: { help: 'Name the local address too, as saddr_name.' },
  wait: {
    value: 'TIME',
    parse: time('ms', { from: '0ms', to: '60s', alone: 'ms' }),
    help: 'How long an event may wait for its name. It then goes on without. A number alone is milliseconds. Default: 50ms.',
  },
  timeout: {
    value: 'TIME',
    parse: time('ms', { from: '10ms', to: '60s', alone: 'ms' }),
    help: 'How long to wait for an answer of a DNS server. Each is asked twice. A number alone is milliseconds. Default: 1s.',
  },
  concurrency: {
    value: 'COUNT',
    parse: integer(1, 128),
    help: 'How many look-ups may be under way. Default: 64.',
  },
  cache: {
    value: 'COUNT',
    parse: integer(1, 10_000_000),
    help: 'How many addresses and how many answers to remember, the most recent ones. Default: 65536.',
  },
  'min-ttl': {
    value: 'TIME',
    parse: time('s', { from: '0s', to: '7d' }),
    help: 'How long an answer holds at least. Default: 30s.',
  },
  'max-ttl': {
    value: 'TIME',
    parse: time('s', { from: '0s', to: '7d' }),
    help: 'How long an answer holds at most. Default: 1d.',
  },
  'keep-dns': { help: 'Pass dns events on. Without, they end here.' },
  etc: {
    value: 'FOLDER',
    help: 'Where hosts, services, passwd, group and resolv.conf are; read again when they change. Default: /etc. Without a resolv.conf there, /etc/resolv.conf is read.',
  },
  var: {
    value: 'FOLDER',
    help: "Where the files about containers are: log/containers, lib/docker, lib/containers. Default: /var. In a pod, where the host's /var is mounted.",
  },
  host: { value: 'NAME', help: "Add the field host with this name. (--with host adds this machine's own.)" },
  map: {
    value: 'FILE',
    help: 'Add fields by remote address: CSV whose first line names its columns, cidr among them, or JSON Lines. The longest prefix wins. Read again on SIGHUP.',
  },
  mmdb: {
    value: 'FILE',
    many: true,
    help: 'Add country, city, asn, as_org from a MaxMind database. Read again on SIGHUP.',
  },
} satisfies Options;

function stage({ values, given }: Parsed<typeof options>): Stage {
  const { minTtl = 30, maxTtl = 86_400 } = values;
  if (minTtl > maxTtl) throw new UsageError('--min-ttl is above --max-ttl; lower it, or raise the other');
  const settings: Settings = {
    with: new Set([...(values.with ?? usual), ...(values.host === undefined ? [] : (['host'] as const))]),
    offline: values.offline ?? false,
    resolvers: values.resolver?.flat(),
    private: values.private ?? false,
    verify: values.verify ?? false,
    saddr: values.saddr ?? false,
    wait: values.wait ?? 50,
    timeout: values.timeout ?? 1000,
    concurrency: values.concurrency ?? 64,
    cache: values.cache ?? 65_536,
    minTtl,
    maxTtl,
    keepDns: values.keepDns ?? false,
    etc: values.etc ?? '/etc',
    var: values.var ?? '/var',
    host: values.host ?? hostname(),
    map: values.map,
    mmdb: values.mmdb ?? [],
  };
  return stageOf(settings, given);
}

export const command = defineCommand({
  name: 'enrich',
  summary: 'adds names to the events of attempts: of addresses, users, containers, services',
  usage: '[OPTION]…',
  examples: [
    ['sudo collector | enrich | sink-table', 'names by reverse look-up, users, containers'],
    ['sudo collector --dns | enrich --offline', 'the names that the processes asked for, without asking anybody'],
    ['enrich --with names --wait 5s < events.ndjson', 'a file: take the time to name all'],
    ['collector | enrich --resolver 192.0.2.53 --map nets.csv', "a DNS server of one's own, and one's own networks"],
  ],
  options,
  notes: `A name comes from the wire (dns events, name_source dns), else from the hosts file (hosts), else from a reverse
look-up (ptr). name_scope says who asked for a name of the wire: the thread that connects, its process, cgroup, network
namespace, or another process of the host. name_ambiguous marks a guess; names lists the candidates. Fields that an event has stay as they are. Users, groups, units and containers are this machine's: for
events of another one use --with names,service.`,
  stage,
});

/** The stage for programs: `enrich({ resolver: '192.0.2.53', wait: 100 })`. Throws UsageError on a bad value. */
export function enrich(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}
