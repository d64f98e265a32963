import { isIP } from 'node:net';
import { join } from 'node:path';
import type { ServerAddress } from './server.js';
import { WatchedFile } from './watched.js';

/** The C library uses at most three servers, too. */
const most = 3;
const port = 53;

/**
 * Parses the servers of a resolv.conf(5). Keeps an address's zone (`fe80::1%eth0`), unlike Node's getServers(). If the file
 * names no servers, returns one on this machine, as the C library does.
 */
export function serversOf(text: string): ServerAddress[] {
  const addresses = text.split('\n').flatMap((line) => {
    const [, address = ''] = /^\s*nameserver\s+([^\s#;]+)/.exec(line) ?? [];
    return isIP(address) ? [address] : [];
  });
  const used = [...new Set(addresses)].slice(0, most);
  return (used.length > 0 ? used : ['127.0.0.1']).map((address) => ({ address, port }));
}

/** The system's DNS servers. resolv.conf is read again when it changes. */
export class SystemServers {
  #servers: readonly ServerAddress[] | undefined;
  readonly #file: WatchedFile;

  /** @param etc the folder of resolv.conf; if it has none, /etc/resolv.conf is read */
  constructor(etc: string) {
    this.#file = new WatchedFile([...new Set([etc, '/etc'])].map((folder) => join(folder, 'resolv.conf')));
  }

  /** The servers, as the same array until they change. */
  get servers(): readonly ServerAddress[] {
    if (!this.#servers) this.check(performance.now());
    return this.#servers as readonly ServerAddress[];
  }

  /** Checks the file, if the last check is long enough ago. Returns the servers if they have changed. */
  check(now: number): readonly ServerAddress[] | undefined {
    const before = this.#servers;
    const text = this.#file.changed(now) ?? (before ? undefined : '');
    if (text === undefined) return undefined;
    const servers = serversOf(text);
    if (before && list(before) === list(servers)) return undefined;
    this.#servers = servers;
    return before && servers;
  }

  /** Makes the next check look at the file, even if the last check was just now. */
  expire(): void {
    this.#file.expire();
  }
}

export const list = (servers: readonly ServerAddress[]) => servers.map(({ address }) => address).join(', ');
