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
import { type Group, groups } from './enrich/local-fields.js';
import { serverAddress } from './enrich/resolver.js';
import { createStage, type EnrichSettings } from './enrich/setup.js';

const defaultGroups: Group[] = ['names', 'service', 'user', 'unit', 'container'];

const options = {
  with: {
    value: 'LIST',
    parse: list(oneOf(...groups)),
    words: groups,
    help: `What to add: a list of ${groups.join(', ')}. Default: ${defaultGroups.join(',')}.`,
  },
  offline: { help: 'Send no DNS queries: take names only from dns events and from the hosts file.' },
  resolver: {
    value: 'ADDRESS[:PORT]',
    parse: list(serverAddress),
    many: true,
    help: "DNS server for reverse look-ups, or a list of servers. Default: the system's servers.",
  },
  private: {
    help: "Also send look-ups of private addresses to --resolver. Default: these go to the system's DNS servers only.",
  },
  verify: {
    help: 'Look up the address of each name from a reverse look-up, and mark the name as verified if it matches.',
  },
  saddr: { help: 'Also name the local address, as saddr_name.' },
  wait: {
    value: 'TIME',
    parse: time('ms', { from: '0ms', to: '60s', alone: 'ms' }),
    help: 'How long an event may wait for its name. After that it passes without a name. A number without a unit is milliseconds. Default: 50ms.',
  },
  timeout: {
    value: 'TIME',
    parse: time('ms', { from: '10ms', to: '60s', alone: 'ms' }),
    help: 'How long to wait for the answer of a DNS server. Each server is asked twice. A number without a unit is milliseconds. Default: 1s.',
  },
  concurrency: {
    value: 'COUNT',
    parse: integer(1, 128),
    help: 'How many look-ups may run at the same time. Default: 64.',
  },
  cache: {
    value: 'COUNT',
    parse: integer(1, 10_000_000),
    help: 'How many addresses to remember, and how many answers; the most recent are kept. Default: 65536.',
  },
  'min-ttl': {
    value: 'TIME',
    parse: time('s', { from: '0s', to: '7d' }),
    help: 'Minimum time for which an answer is used. Default: 30s.',
  },
  'max-ttl': {
    value: 'TIME',
    parse: time('s', { from: '0s', to: '7d' }),
    help: 'Maximum time for which an answer is used. Default: 1d.',
  },
  'keep-dns': { help: 'Pass dns events. Default: they are used for names and dropped.' },
  etc: {
    value: 'FOLDER',
    help: 'Folder of hosts, services, passwd, group and resolv.conf, which are read again when they change. Default: /etc. If it has no resolv.conf, /etc/resolv.conf is read.',
  },
  var: {
    value: 'FOLDER',
    help: "Folder of the container files: log/containers, lib/docker, lib/containers. Default: /var. In a pod, give the path at which the host's /var is mounted.",
  },
  host: { value: 'NAME', help: "Add a host field with this name. (--with host adds this machine's name.)" },
  map: {
    value: 'FILE',
    help: 'Add fields by remote address. FILE is JSON Lines, or CSV whose first line names the columns; one of them is cidr. The longest prefix wins. Read again on SIGHUP.',
  },
  mmdb: {
    value: 'FILE',
    many: true,
    help: 'Add country, city, asn, as_org from a MaxMind database. Read again on SIGHUP.',
  },
} satisfies Options;

function stage({ values, given }: Parsed<typeof options>): Stage {
  const { minTtl = 30, maxTtl = 86_400 } = values;
  if (minTtl > maxTtl) throw new UsageError('--min-ttl is above --max-ttl; lower --min-ttl or raise --max-ttl');
  const settings: EnrichSettings = {
    with: new Set([...(values.with ?? defaultGroups), ...(values.host === undefined ? [] : (['host'] as const))]),
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
  return createStage(settings, given);
}

export const command = defineCommand({
  name: 'enrich',
  summary: 'adds the names of addresses, services, users and containers to attempts',
  usage: '[OPTION]…',
  examples: [
    ['sudo collector | enrich | sink-table', 'add names by reverse look-up, users and containers'],
    ['sudo collector --dns | enrich --offline', 'add the names that processes looked up, and send no queries'],
    ['enrich --with names --wait 5s < events.ndjson', 'wait longer, so that all events of a file get a name'],
    [
      'collector | enrich --resolver 192.0.2.53 --map nets.csv',
      'use your own DNS server and your own list of networks',
    ],
  ],
  options,
  notes: `A name comes from a dns event if possible (name_source dns), else from the hosts file (hosts), else from a reverse
look-up (ptr). name_scope says who looked up the name of a dns event: the thread that connects, its process, its cgroup, its
network namespace, or another process of the host. name_ambiguous marks a guess; names lists the candidates. enrich does not
change fields that an event already has. Users, groups, units and containers are those of this machine: for events of
another machine, use --with names,service.`,
  stage,
});

/** Creates the stage for use in a program: `enrich({ resolver: '192.0.2.53', wait: 100 })`. Throws UsageError on a bad value. */
export function enrich(given: Given<typeof options> = {}): Stage {
  return stage(parseGiven(options, given));
}
