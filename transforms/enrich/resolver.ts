import { isIP, isIPv6 } from 'node:net';
import { UsageError } from '../../schemas/pipe/messages/errors.js';
import type { QueryType, Reply } from './message.js';
import { Server, type ServerAddress } from './server.js';

/** How a look-up ended without an answer: no server answered in time, each refused or failed, none is worth asking. */
export type Failure = 'timeout' | 'failed' | 'silent';

/** `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]:5353`: an option's parse. */
export function serverAddress(text: string): ServerAddress {
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
  /** Counts how often the servers have changed. */
  epoch = 0;
  #listed: readonly ServerAddress[] = [];
  #known: readonly Server[] = [];
  #left: Server[] = []; // with queries under way

  /**
   * @param servers those to ask now: the same array until they change
   * @param heard called when a server has fallen silent, and when it is back
   */
  constructor(
    private readonly servers: () => readonly ServerAddress[],
    private readonly timeout: number,
    private readonly heard: (server: Server, silent: boolean) => void,
  ) {}

  get #servers(): readonly Server[] {
    const listed = this.servers();
    if (listed !== this.#listed) this.#replace(listed);
    return this.#known;
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
    for (const server of [...this.#known, ...this.#left]) server.close();
  }

  /** Other servers are to be asked from now on. What the ones before were asked, they may still answer. */
  #replace(listed: readonly ServerAddress[]): void {
    const before = this.#known;
    this.#listed = listed;
    this.#known = listed.map(
      ({ address, port }) =>
        before.find((server) => server.address === address && server.port === port) ??
        new Server(address, port, this.timeout, this.heard),
    );
    for (const server of before) {
      if (this.#known.includes(server)) server.retry();
      else server.leave();
    }
    this.#left = [...this.#left, ...before].filter((server) => server.busy && !this.#known.includes(server));
    this.epoch++;
  }
}
