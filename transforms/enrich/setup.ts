import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';
import { Cgroups } from './cgroups.js';
import { Containers } from './containers.js';
import { databases } from './databases.js';
import { LocalFields } from './local-fields.js';
import { MapFields } from './map-fields.js';
import { Membership } from './membership.js';
import { Names, type ReverseLookups } from './names.js';
import type { EnrichSettings } from './options.js';
import { Processes } from './processes.js';
import { Resolver } from './resolver.js';
import { type Lookup, Reverse } from './reverse.js';
import type { Server, ServerAddress } from './server.js';
import { Enrich } from './stage.js';
import { list, SystemServers } from './system-servers.js';
import { WireAnswers } from './wire-answers.js';

/** Creates the stage. Throws RuntimeError if a map or database cannot be read. */
export function createStage(settings: EnrichSettings, given: Record<string, unknown>): Stage {
  const { etc, cache, minTtl, maxTtl, host, wait, keepDns, saddr } = settings;
  const { hosts, passwd, group, services } = databases(etc);
  const membership = new Membership(new Cgroups(), Processes.here(), new Containers(settings.var, reportDenied()));
  const localFields = new LocalFields(settings.with, { passwd, group, services, membership, host });
  const lookups: ReverseLookups = {};
  const withNames = settings.with.has('names');
  const names = new Names(new WireAnswers(cache, { min: minTtl, max: maxTtl }), hosts, lookups, cache);
  const mapFields =
    settings.map !== undefined || settings.mmdb.length > 0
      ? new MapFields(settings.map, settings.mmdb, cache)
      : undefined;
  const resolvers: Resolver[] = [];
  const system = new SystemServers(etc);
  let back = false; // a server answers again, so addresses without a name are looked up again
  const onStatus = (server: Server, silent: boolean) => {
    back ||= !silent;
    if (silent) system.expire(); // resolv.conf may name other servers now
    reportServer(server, silent);
  };
  const asksSystem = withNames && !settings.offline && !(settings.resolvers && settings.private);
  return new Enrich(
    {
      ...(withNames && { names }),
      localFields,
      ...(mapFields && { mapFields }),
      check(now) {
        const named = withNames && hosts.check(now);
        const servers = asksSystem ? system.check(now) : undefined;
        if (servers) logMessage('enrich', `the DNS servers have changed: ${list(servers)}`);
        const changed = localFields.check(now) || named || servers !== undefined || back;
        back = false;
        return changed;
      },
      wait,
      keepDns,
      saddr,
      cache,
      open(answered) {
        if (withNames && !settings.offline)
          Object.assign(lookups, reverseLookups(settings, system, answered, onStatus, resolvers));
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

/** Creates the reverse look-ups. Private addresses go to the system's servers, unless --private is given. */
function reverseLookups(
  settings: EnrichSettings,
  system: SystemServers,
  answered: (lookup: Lookup) => void,
  onStatus: (server: Server, silent: boolean) => void,
  opened: Resolver[],
): ReverseLookups {
  const through = (servers: () => readonly ServerAddress[]) => {
    const resolver = new Resolver(servers, settings.timeout, onStatus);
    opened.push(resolver);
    return new Reverse(resolver, settings, answered);
  };
  if (!settings.resolvers) {
    const all = through(() => system.servers);
    return { public: all, private: all };
  }
  const { resolvers } = settings;
  const given = through(() => resolvers);
  return { public: given, private: settings.private ? given : through(() => system.servers) };
}

/** Returns a function that reports a path without read permission, once per path. */
function reportDenied(): (path: string) => void {
  const reported = new Set<string>();
  return (path) => {
    if (reported.has(path)) return;
    reported.add(path);
    const advice = 'give enrich CAP_DAC_READ_SEARCH (setpriv --ambient-caps), or run it as root';
    logMessage('enrich', `cannot read ${path}: permission denied, so containers get no name or image; ${advice}`);
  };
}

function reportServer({ address, port }: Server, silent: boolean): void {
  const what = silent
    ? 'does not answer; events pass without names, and it is asked again from time to time'
    : 'answers again';
  logMessage('enrich', `DNS server ${address} port ${port} ${what}`);
}
