import { isIP, isIPv6 } from 'node:net';
import { invalidValue } from '../../schemas/pipe/messages/errors.js';
import type { QueryType, Reply } from './message.js';
import { Server, type ServerAddress } from './server.js';

/** Why a look-up has no answer: no server answered in time, all refused or failed, or all are known to be silent. */
export type Failure = 'timeout' | 'failed' | 'silent';

/** Parses the option `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`. Throws UsageError. */
export function serverAddress(text: string): ServerAddress {
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+|[^[]*:[^[]*:[^[]*?))(?::(\d+))?$/.exec(text) ?? [];
  const [address = text, port] = isIP(text) ? [text] : [bracketed ?? plain, digits];
  const number = Number(port ?? 53);
  if (isIP(address) === 0 || number < 1 || number > 65535 || (bracketed && !isIPv6(bracketed))) {
    throw invalidValue(text, 'use ADDRESS or ADDRESS:PORT ([ADDRESS]:PORT for IPv6)');
  }
  return { address, port: number };
}

/**
 * A stub resolver: if a server does not answer, it asks the next one, and it asks all of them twice. Node's own resolver
 * (c-ares) is not used because it does not return the TTL of PTR records and its timers are coarse.
 */
export class Resolver {
  /** How often the servers have changed. */
  epoch = 0;
  #listed: readonly ServerAddress[] = [];
  #current: readonly Server[] = [];
  #retired: Server[] = []; // with queries still running

  /**
   * @param servers returns the servers to ask: the same array until they change
   * @param onStatus called when a server no longer answers, and when it answers again
   */
  constructor(
    private readonly servers: () => readonly ServerAddress[],
    private readonly timeout: number,
    private readonly onStatus: (server: Server, silent: boolean) => void,
  ) {}

  get #servers(): readonly Server[] {
    const listed = this.servers();
    if (listed !== this.#listed) this.#replace(listed);
    return this.#current;
  }

  /** Whether at least one server can be asked now. */
  get usable(): boolean {
    return this.#servers.some((server) => server.usable);
  }

  /** If no server can be asked now: when one can, in the time of performance.now(). */
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
    for (const server of [...this.#current, ...this.#retired]) server.close();
  }

  /** Replaces the servers. The old servers may still answer the queries that they were sent. */
  #replace(listed: readonly ServerAddress[]): void {
    const before = this.#current;
    this.#listed = listed;
    this.#current = listed.map(
      ({ address, port }) =>
        before.find((server) => server.address === address && server.port === port) ??
        new Server(address, port, this.timeout, this.onStatus),
    );
    for (const server of before) {
      if (this.#current.includes(server)) server.retry();
      else server.retire();
    }
    this.#retired = [...this.#retired, ...before].filter((server) => server.busy && !this.#current.includes(server));
    this.epoch++;
  }
}
