import { userId } from '../schemas/pipe/command/accounts.js';
import { integer, list, type Options, oneOf, type Parsed } from '../schemas/pipe/command/options.js';
import { ports } from '../schemas/pipe/command/services.js';
import { time } from '../schemas/pipe/command/units.js';
import { cgroup2 } from '../schemas/pipe/io/machine.js';
import { conflict, needs, UsageError } from '../schemas/pipe/messages/errors.js';
import { metricsOption } from '../schemas/pipe/metrics/metrics.js';
import { pendings, reports, type StartOptions, tiers } from './addon.js';
import { dns } from './dns.js';
import { cgroup, netns, pids } from './scope.js';
import { user } from './user.js';

const maxValues = 64; // per filter: the kernel side has room for this many
const atMost =
  <V>(parse: (text: string) => V[]) =>
  (text: string): V[] => {
    const values = parse(text);
    if (values.length > maxValues)
      throw new UsageError(`(${values.length} values): use at most ${maxValues}, or use filter, which takes more`);
    return values;
  };

/** Parses --report; `both` means attempt,outcome. */
function report(text: string): number {
  const word = oneOf('attempt', 'outcome', 'closed', 'both');
  return list(word)(text).reduce((sum, kind) => sum | (kind === 'both' ? 3 : reports[kind]), 0);
}

const portRanges = (text: string) => ports(text).ranges as [first: number, last: number][];

/** The options of the collector. */
export const options = {
  pid: { short: 'p', value: 'PIDS', parse: atMost(pids), help: 'Only these processes.' },
  uid: { short: 'u', value: 'USERS', parse: atMost(list(userId)), help: 'Only these users.' },
  dport: { short: 'P', value: 'PORTS', parse: atMost(portRanges), also: ['port'], help: 'Only to these remote ports.' },
  ipv4: { short: '4', help: 'Only to IPv4 (and IPv4-mapped) addresses.' },
  ipv6: { short: '6', help: 'Only to IPv6 addresses.' },
  cgroup: {
    value: 'PATH|ID',
    parse: atMost(list(cgroup)),
    help: 'Only from this cgroup (v2) and those below it, given by its path or by the number in the field cgroup.',
  },
  netns: {
    value: 'NETNS',
    parse: atMost(list(netns)),
    help: 'Only in this network namespace.',
  },
  report: {
    value: 'attempt|outcome|both|closed',
    parse: report,
    help: 'What to report, as a list: outcome (how attempts end; the default), attempt (when they start: connect events), closed (also how their connections end and what they carried; needs outcome). both is attempt,outcome.',
  },
  every: {
    value: 'TIME',
    parse: time('ms', { from: '1s', to: '23d' }),
    help: 'With outcome,closed: report all open connections at the start and then this often, with the bytes since the last report (open events).',
  },
  snapshot: { help: 'With outcome,closed: report the connections that are still open at the end (open events).' },
  drops: {
    help: 'Report why this machine dropped packets of an attempt or a connection, its own firewall included: drop_reason, drop_count and drop_at. Needs outcomes.',
  },
  pending: {
    value: 'once|repeat|off',
    parse: oneOf('once', 'repeat', 'off'),
    help: 'How often to report an attempt that is still waiting after a second (pending events, with outcomes only): once (the default), repeat (again after 2, 4, 8, 16 … seconds) or off.',
  },
  dns: {
    help: 'Also report DNS look-ups (dns events): which program asked for which name, and the addresses or the error it got. Of the filters, only --netns applies to these events.',
  },
  count: {
    short: 'n',
    value: 'COUNT',
    parse: integer(1, Number.MAX_SAFE_INTEGER),
    help: 'Stop after this many attempts have ended; with --report attempt, have started.',
  },
  duration: { value: 'TIME', parse: time('ms', { from: '1ms', to: '23d' }), help: 'Stop after this time.' },
  tier: {
    value: tiers.join('|'),
    parse: oneOf(...tiers),
    help: 'Hook into the kernel only in this way; fail if it does not work here.',
  },
  user: {
    value: 'NAME',
    parse: user,
    help: 'Become this user after attaching. By default, root becomes the user who called sudo; without sudo, the user synpipe if it exists, else nobody. Any other user stays the same.',
  },
  status: { help: 'Write status events: what runs here at the start, what it counted at the end.' },
  metrics: metricsOption,
} satisfies Options;

type Values = Parsed<typeof options>['values'];

/** Returns what the options mean for the addon. Throws UsageError if they do not go together. */
export function kernelFilters(values: Values): Partial<StartOptions> {
  const report = values.report ?? reports.outcome;
  if (values.pending && !(report & reports.outcome))
    throw new UsageError('--pending needs outcomes; leave out --report attempt, or write --report both');
  if (report & reports.closed && !(report & reports.outcome))
    throw new UsageError('--report closed needs outcomes; write --report outcome,closed');
  if (!(report & reports.closed) && (values.every || values.snapshot))
    throw needs(values.every ? '--every' : '--snapshot', '--report outcome,closed');
  if (values.drops && !(report & reports.outcome))
    throw new UsageError('--drops needs outcomes; leave out --report attempt, or write --report both');
  if (values.ipv4 && values.ipv6) throw conflict('-4', '-6', { remedy: 'leave out both to get IPv4 and IPv6' });
  return {
    pids: values.pid ?? [],
    uids: values.uid ?? [],
    ports: values.dport ?? [],
    netns: values.netns ?? [],
    cgroups: values.cgroup ?? [],
    cgroup2: cgroup2() !== undefined,
    report,
    pending: pendings[values.pending ?? 'once'],
    family: values.ipv4 ? 4 : values.ipv6 ? 6 : 0,
    count: values.count ?? 0,
    every: values.every ?? 0,
    snapshot: values.snapshot ? 1 : 0,
    drops: values.drops ? 1 : 0,
    ...(values.dns && dns()),
  };
}
