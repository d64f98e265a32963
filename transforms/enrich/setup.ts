import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';
import { Cgroups } from './cgroups.js';
import { Containers } from './containers.js';
import { databases } from './databases.js';
import { Membership } from './membership.js';
import { type Asked, Names } from './names.js';
import { type Group, People } from './people.js';
import { Processes } from './processes.js';
import { Resolver } from './resolver.js';
import { type Lookup, Reverse } from './reverse.js';
import { Seen } from './seen.js';
import type { Server, ServerAddress } from './server.js';
import { Enrich } from './stage.js';
import { list, SystemServers } from './system-servers.js';
import { Zoned } from './zoned.js';

export interface Settings {
  with: ReadonlySet<Group>;
  offline: boolean;
  /** Left out: the system's. */
  resolvers: ServerAddress[] | undefined;
  private: boolean;
  verify: boolean;
  saddr: boolean;
  wait: number;
  timeout: number;
  concurrency: number;
  cache: number;
  minTtl: number;
  maxTtl: number;
  keepDns: boolean;
  etc: string;
  var: string;
  host: string;
  map: string | undefined;
  mmdb: readonly string[];
}

/** The stage for these settings. Throws RuntimeError where a map cannot be read. */
export function stageOf(settings: Settings, given: Record<string, unknown>): Stage {
  const { etc, cache, minTtl, maxTtl, host, wait, keepDns, saddr } = settings;
  const { hosts, passwd, group, services } = databases(etc);
  const membership = new Membership(new Cgroups(), Processes.here(), new Containers(settings.var, reportDenied()));
  const people = new People(settings.with, { passwd, group, services, membership, host });
  const asked: Asked = {};
  const withNames = settings.with.has('names');
  const names = new Names(new Seen(cache, { min: minTtl, max: maxTtl }), hosts, asked, cache);
  const zoned =
    settings.map !== undefined || settings.mmdb.length > 0 ? new Zoned(settings.map, settings.mmdb, cache) : undefined;
  const resolvers: Resolver[] = [];
  const system = new SystemServers(etc);
  let back = false; // a server answers again: what is kept without names is to be asked for
  const heard = (server: Server, silent: boolean) => {
    back ||= !silent;
    if (silent) system.expire(); // there may be others
    reportServer(server, silent);
  };
  const asksSystem = withNames && !settings.offline && !(settings.resolvers && settings.private);
  return new Enrich(
    {
      ...(withNames && { names }),
      people,
      ...(zoned && { zones: zoned }),
      check(now) {
        const named = withNames && hosts.check(now);
        const moved = asksSystem ? system.check(now) : undefined;
        if (moved) logMessage('enrich', `the DNS servers have changed: ${list(moved)}`);
        const changed = people.check(now) || named || moved !== undefined || back;
        back = false;
        return changed;
      },
      wait,
      keepDns,
      saddr,
      cache,
      open(answered) {
        if (withNames && !settings.offline) Object.assign(asked, reverse(settings, system, answered, heard, resolvers));
      },
      reopen() {
        system.expire();
        membership.forget();
      },
      close() {
        for (const resolver of resolvers) resolver.close();
      },
    },
    given,
  );
}

/** Those who look up: private addresses are the system's own resolver's, unless told otherwise. */
function reverse(
  settings: Settings,
  system: SystemServers,
  answered: (lookup: Lookup) => void,
  heard: (server: Server, silent: boolean) => void,
  opened: Resolver[],
): Asked {
  const through = (servers: () => readonly ServerAddress[]) => {
    const resolver = new Resolver(servers, settings.timeout, heard);
    opened.push(resolver);
    return new Reverse(resolver, settings, answered);
  };
  if (!settings.resolvers) {
    const all = through(() => system.servers);
    return { all, private: all };
  }
  const { resolvers } = settings;
  const all = through(() => resolvers);
  return { all, private: settings.private ? all : through(() => system.servers) };
}

/** Says once for each path that containers go without what it has. */
function reportDenied(): (path: string) => void {
  const reported = new Set<string>();
  return (path) => {
    if (reported.has(path)) return;
    reported.add(path);
    const remedy = 'give enrich CAP_DAC_READ_SEARCH, as in setpriv --ambient-caps, or run it as root';
    logMessage('enrich', `cannot read ${path}: permission denied, so containers go without name or image; ${remedy}`);
  };
}

function reportServer({ address, port }: Server, silent: boolean): void {
  const what = silent
    ? 'does not answer; events go on without names, and it is asked again now and then'
    : 'answers again';
  logMessage('enrich', `DNS server ${address} port ${port} ${what}`);
}
