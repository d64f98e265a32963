import { isIP } from 'node:net';
import { join } from 'node:path';
import type { ServerAddress } from './server.js';
import { Watched } from './watched.js';

/** Like the C library, which takes no more. */
const most = 3;
const port = 53;

/**
 * The servers of a resolv.conf(5). The file's zone (`fe80::1%eth0`) stays, unlike in Node's getServers(). Like the C
 * library, a file without servers stands for one on this machine.
 */
export function serversOf(text: string): ServerAddress[] {
  const addresses = text.split('\n').flatMap((line) => {
    const [, address = ''] = /^\s*nameserver\s+([^\s#;]+)/.exec(line) ?? [];
    return isIP(address) ? [address] : [];
  });
  const used = [...new Set(addresses)].slice(0, most);
  return (used.length > 0 ? used : ['127.0.0.1']).map((address) => ({ address, port }));
}

/** The system's DNS servers: read again when the file has changed. */
export class SystemServers {
  #servers: readonly ServerAddress[] | undefined;
  readonly #file: Watched;

  /** @param etc a folder like /etc; without a resolv.conf in it, that of /etc is read */
  constructor(etc: string) {
    this.#file = new Watched([...new Set([etc, '/etc'])].map((folder) => join(folder, 'resolv.conf')));
  }

  /** The same array until they change. */
  get servers(): readonly ServerAddress[] {
    if (!this.#servers) this.check(performance.now());
    return this.#servers as readonly ServerAddress[];
  }

  /** Looks at the file, if it is time. Returns the servers if they are others than before. */
  check(now: number): readonly ServerAddress[] | undefined {
    const before = this.#servers;
    const text = this.#file.changed(now) ?? (before ? undefined : '');
    if (text === undefined) return undefined;
    const servers = serversOf(text);
    if (before && list(before) === list(servers)) return undefined;
    this.#servers = servers;
    return before && servers;
  }

  /** Looks at the file at the next check. */
  expire(): void {
    this.#file.expire();
  }
}

export const list = (servers: readonly ServerAddress[]) => servers.map(({ address }) => address).join(', ');
