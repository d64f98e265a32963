import { fstatSync } from 'node:fs';
import { basename } from 'node:path';
import type { Options, Parsed } from '../../schemas/pipe/command/options.js';
import { isPipe } from '../../schemas/pipe/io/fd.js';
import type { Source } from '../../schemas/pipe/io/source.js';
import { stdin } from '../../schemas/pipe/io/stdin.js';
import { conflict, UsageError } from '../../schemas/pipe/messages/errors.js';
import { printable } from '../../schemas/pipe/messages/printable.js';
import { Children, type Producer } from './children.js';
import { callerOfSudo } from './rights.js';
import type { ViewInput } from './view-input.js';

/** The options that the collector takes too. It checks their values. */
export const collectorOptions = {
  pid: { short: 'p', value: 'PIDS', help: 'Only these processes.' },
  uid: { short: 'u', value: 'USERS', help: 'Only these users, by number or name.' },
  dport: { short: 'P', value: 'PORTS', help: 'Only to these remote ports: 443,8000-8100.' },
  ipv4: { short: '4', help: 'Only to IPv4 (and IPv4-mapped) addresses.' },
  ipv6: { short: '6', help: 'Only to IPv6 addresses.' },
  cgroup: { value: 'PATH|ID', help: 'Only from this cgroup (v2) and those below it.' },
  netns: { value: 'PID|NAME|PATH|INODE', help: 'Only in this network namespace.' },
} satisfies Options;

/** How a view starts the commands that produce its events. */
export interface Producers {
  /** The files to read. Without one, the events come from standard input or a collector. */
  files: readonly string[];
  /** The arguments of the collector, besides --dns and --drops. */
  collector: readonly string[];
  /** How many times as fast as it was recorded a file is played. */
  speed?: string | undefined;
  /** What selects events in a file, for a message. */
  instead: string;
}

/** Returns where the events of a view come from: files, standard input, or a collector that it starts. Throws UsageError. */
export function inputOf({ given, afterDashes }: Pick<Parsed<Options>, 'given' | 'afterDashes'>, how: Producers) {
  const { files, speed = 'max', instead } = how;
  const filters = Object.keys(collectorOptions).filter((name) => given[name] !== undefined);
  const isLive = filters.length > 0 || afterDashes !== undefined;
  const hasStdin = files.includes('-');
  if (files.length > 0 && isLive)
    throw filters[0]
      ? conflict(`--${filters[0]}`, 'FILE', { reason: `--${filters[0]} selects live events`, remedy: instead })
      : conflict('FILE', '-- COMMAND');
  if (files.some((name) => name !== '-')) return recording(files, speed, hasStdin);
  if (!isLive && (hasStdin || isPipe(0) || fstatSync(0).isFile())) return standardInput();
  return live(given, filters, afterDashes, how.collector);
}

function recording(paths: readonly string[], speed: string, readsStdin: boolean): Source & ViewInput {
  const name = paths.length === 1 ? printable(basename(paths[0] as string)) : `${paths.length} files`;
  const times = speed === 'max' ? Number.POSITIVE_INFINITY : Number.parseFloat(speed); // replay checks it
  const producer: Producer = { name: 'replay', args: ['--speed', speed, '--', ...paths], readsStdin };
  return new Children(name, times, producer, ['--offline', '--keep-dns', '--with', 'names,service']);
}

function standardInput(): Source & ViewInput {
  const source = stdin();
  const speed = source.isFile ? Number.POSITIVE_INFINITY : 1;
  // Ctrl-C ends the commands before this one too
  const quit = () => void process.kill(0, 'SIGINT');
  return Object.assign(source, { source: 'standard input', speed, quit });
}

function live(
  given: Parsed<Options>['given'],
  filters: readonly string[],
  command: readonly string[] | undefined,
  args: Producers['collector'],
): Source & ViewInput {
  if (command?.length === 0) throw new UsageError('missing COMMAND after --; see --help');
  const chosen = filters.map((name) => (given[name] === true ? `--${name}` : `--${name}=${given[name]}`));
  const behind = command ? ['--', ...command] : [];
  const runs = command && { runs: command[0] as string };
  const collector = (...more: string[]): Producer => ({
    name: 'collector',
    args: [...args, ...chosen, ...more, ...behind],
    ...runs,
  });
  // Not every kernel can show look-ups or drops.
  const producer: Producer = {
    ...collector('--dns', '--drops'),
    instead: { ...collector('--dns'), instead: collector() },
  };
  const source = command ? `live: ${printable(command.join(' '))}` : 'live';
  return new Children(source, 1, producer, ['--offline', '--keep-dns'], callerOfSudo());
}
