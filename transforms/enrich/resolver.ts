import { Resolver as System } from 'node:dns';
import { isIP, isIPv6 } from 'node:net';
import { UsageError } from '../../schemas/pipe/errors.js';
import type { QueryType, Reply } from './message.js';
import { Server } from './server.js';

/** How a look-up ended without an answer: no server answered in time, each refused or failed, none is worth asking. */
export type Failure = 'timeout' | 'failed' | 'silent';

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`: an option's parse. */
export function serverAddress(text: string): { address: string; port: number } {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+|[^[]*:[^[]*:[^[]*?))(?::(\d+))?$/.exec(text) ?? [];
  const [address = text, port] = isIP(text) ? [text] : [bracketed ?? plain, digits];
  const number = Number(port ?? 53);
  if (isIP(address) === 0 || number < 1 || number > 65535 || (bracketed && !isIPv6(bracketed))) {
    throw new UsageError(`wants ADDRESS or ADDRESS:PORT ([ADDRESS]:PORT for IPv6), not "${text}"`);
  }
  return { address, port: number };
}

/**
 * Asks DNS servers as a stub does: the next one where one does not answer, all of them twice. Node's own resolver
 * (c-ares) tells no TTL of PTR records, and its timers are coarse.
 */
export class Resolver {
  #known: Server[] | undefined;

  /**
   * @param servers asked for when there is something to ask, which loads much of Node
   * @param heard told when a server has fallen silent, and when it is back
   */
  constructor(
    private readonly servers: () => readonly { address: string; port: number }[],
    private readonly timeout: number,
    private readonly heard: (server: Server, silent: boolean) => void,
  ) {}

  get #servers(): readonly Server[] {
    this.#known ??= this.servers().map(({ address, port }) => new Server(address, port, this.timeout, this.heard));
    return this.#known;
  }

  /** The servers of /etc/resolv.conf. */
  static system(): { address: string; port: number }[] {
    return new System().getServers().map(serverAddress);
  }

  /** Whether asking makes sense now. */
  get usable(): boolean {
    return this.#servers.some((server) => server.usable);
  }

  /** While it makes none: when it will, in the time of performance.now(). */
  get askAgain(): number {
    return Math.min(...this.#servers.map((server) => server.askAgain));
  }

  async ask(name: string, type: QueryType): Promise<Exclude<Reply, 'failed'> | Failure> {
    const failed = new Set<Server>();
    let asked = false;
    for (let round = 0; round < 2; round++) {
      for (const server of this.#servers) {
        if (failed.has(server) || !server.usable) continue;
        asked = true;
        const reply = await server.ask(name, type);
        if (reply === 'failed') failed.add(server);
        else if (reply) return reply;
      }
    }
    if (failed.size > 0) return 'failed';
    return asked ? 'timeout' : 'silent';
  }

  close(): void {
    for (const server of this.#known ?? []) server.close();
  }
}
