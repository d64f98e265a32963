import { hostname } from 'node:os';
import { integer, list, type Options, oneOf, type Values } from '../../schemas/pipe/command/options.js';
import { time } from '../../schemas/pipe/command/units.js';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import { type Group, groups } from './local-fields.js';
import { serverAddress } from './resolver.js';

const defaultGroups: Group[] = ['names', 'service', 'user', 'unit', 'container'];

export const options = {
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
    parse: time('ms', { from: '0ms', to: '60s' }),
    help: 'How long an event may wait for its name. After that it passes without a name. Default: 50ms.',
  },
  timeout: {
    value: 'TIME',
    parse: time('ms', { from: '10ms', to: '60s' }),
    help: 'How long to wait for the answer of a DNS server. Each server is asked twice. Default: 1s.',
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

export type EnrichSettings = ReturnType<typeof settingsOf>;

/** Returns what the options say, with the defaults of the others. Throws UsageError. */
export function settingsOf(values: Values<typeof options>) {
  const settings = {
    ...{ wait: 50, timeout: 1000, concurrency: 64, cache: 65_536, minTtl: 30, maxTtl: 86_400 },
    ...{ offline: false, private: false, verify: false, saddr: false, keepDns: false },
    ...{ etc: '/etc', var: '/var', host: hostname(), map: undefined, mmdb: [] },
    ...values,
    with: new Set<Group>([...(values.with ?? defaultGroups), ...(values.host === undefined ? [] : ['host' as const])]),
    /** Undefined for the system's servers. */
    resolvers: values.resolver?.flat(),
  };
  if (settings.minTtl > settings.maxTtl)
    throw new UsageError('--min-ttl is above --max-ttl; lower --min-ttl or raise --max-ttl');
  return settings;
}
