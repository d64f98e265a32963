import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { Authenticator, ConnectionOptions, NatsConnection, TlsOptions } from '@nats-io/transport-node';
import { readTls } from '../pipe/io/tls.js';
import { cause, RuntimeError, UsageError } from '../pipe/messages/errors.js';
import type { OutageReporter } from '../pipe/run/outage-reporter.js';
import { readAuth } from './auth.js';
import type { Reach } from './options.js';

/** The interval between pings (ms). The connection to a server that misses two of them is given up. */
const pingMs = 5_000;
const dialMs = 5_000;

export interface Hooks {
  /** Called on the first connection, to prepare its use. Throws like `ask`. */
  prepare(connection: NatsConnection): Promise<void>;
  /** The connection broke, and messages in flight are lost. A new connection is being made. */
  lost(): void;
  /** The server does not allow publishing to this subject. */
  forbidden(subject: string): void;
}

/** A connection to NATS that reconnects whenever it breaks, to any server of the cluster. */
export class Link {
  #auth: Authenticator | undefined;
  #connection: NatsConnection | undefined;
  #prepared: NatsConnection | undefined;
  /** Whether it is connected at the moment. */
  up = false;
  #end: unknown;
  #changed = () => {};
  #change: Promise<void> = Promise.resolve();

  constructor(
    private readonly command: string,
    private readonly reach: Reach,
    private readonly trouble: OutageReporter,
    private readonly stop: AbortSignal,
  ) {
    this.#await();
    stop.addEventListener('abort', () => this.#ended(stop.reason), { once: true });
  }

  /** Connects, or keeps trying in the background. Throws RuntimeError or UsageError if that cannot help (wrong credentials). */
  async open(hooks: Hooks): Promise<void> {
    if (!(await this.#try(hooks))) this.#goOn(hooks);
  }

  /** Waits until it is connected. Throws the error that ended it for good. */
  async ready(): Promise<NatsConnection> {
    while (!this.#end && !this.up) await this.#change;
    if (this.#end) throw this.#end;
    return this.#connection as NatsConnection;
  }

  /** Reads the credentials again, for the next connection. */
  async reread(): Promise<void> {
    this.#auth = await readAuth(this.reach.authFile);
  }

  async close(): Promise<void> {
    this.#ended(new Error('closed'));
    await this.#connection?.close();
  }

  async #goOn(hooks: Hooks): Promise<void> {
    try {
      do await this.trouble.wait(this.stop);
      while (!(await this.#try(hooks)));
    } catch (error) {
      this.#ended(error);
    }
  }

  async #try(hooks: Hooks): Promise<boolean> {
    try {
      const connection = await this.#connect();
      this.#connection = connection;
      this.#watch(connection, hooks);
      await hooks.prepare(connection);
      this.#prepared = connection;
      this.#goesUp();
      return true;
    } catch (error) {
      await this.#connection?.close();
      if (error instanceof RuntimeError || error instanceof UsageError) throw error;
      this.trouble.failed(cause(error));
      return false;
    }
  }

  async #connect(): Promise<NatsConnection> {
    const { connect, errors } = await import('./nats-client.js');
    await this.reread();
    const options = await this.#options();
    try {
      return await connect(options);
    } catch (error) {
      if (error instanceof errors.AuthorizationError) throw this.#refused();
      throw new Error(why(error as Error, this.reach));
    }
  }

  async #options(): Promise<ConnectionOptions> {
    const { servers, tls, ca, cert, key } = this.reach;
    const files = await readTls({ ca, cert, key });
    return {
      servers,
      name: `synpipe ${this.command} on ${hostname()}`,
      ...(this.#auth && { authenticator: (nonce?: string) => this.#auth?.(nonce) }),
      // passed unchanged to node:tls
      ...(tls && { tls: { ...files, checkServerIdentity: identity(servers) } as TlsOptions }),
      timeout: dialMs,
      pingInterval: pingMs,
      maxPingOut: 2,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 500,
      noAsyncTraces: true,
    };
  }

  async #watch(connection: NatsConnection, { lost, forbidden }: Hooks): Promise<void> {
    const { errors } = await import('./nats-client.js');
    connection.closed().then((error) => {
      if (error instanceof errors.AuthorizationError || error instanceof errors.UserAuthenticationExpiredError)
        this.#ended(this.#refused());
    });
    for await (const status of connection.status()) {
      if (status.type === 'disconnect') {
        this.up = false;
        lost();
        this.trouble.failed('the connection is lost');
      } else if (status.type === 'reconnect') {
        if (this.#prepared === connection) this.#goesUp(); // it may break and reconnect before it is prepared
      } else if (status.type === 'error' && status.error instanceof errors.PermissionViolationError) {
        if (status.error.operation === 'publish') forbidden(status.error.subject);
      }
    }
  }

  #refused(): RuntimeError {
    const remedy = this.#auth ? 'check them' : 'see --auth-file';
    return new RuntimeError(`${this.reach.servers}: the server refuses the credentials; ${remedy}`);
  }

  #goesUp(): void {
    this.up = true;
    this.#await();
  }

  #ended(error: unknown): void {
    this.#end ??= error;
    this.#await();
  }

  /** Wakes the callers of `ready`, and prepares the next change to wait for. */
  #await(): void {
    this.#changed();
    this.#change = new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}

/** Remedies for failures of TLS, by patterns of the error's code or message. */
const remedies: [RegExp, string][] = [
  [/^UNABLE_TO_|SELF_SIGNED/, 'see --ca'],
  [/does not support 'tls'/, 'see nats://'],
];

/** Returns why a connection failed, with a remedy if there is a known one. */
function why(error: Error, { tls, cert }: Reach): string {
  const reason = cause(error.cause instanceof Error ? error.cause : error);
  if (reason === 'timeout') return `no answer in time${tls && !cert ? ' (it may require --cert)' : ''}`;
  if (/undefined error/.test(reason)) return 'the server closed the connection';
  const [, remedy] = remedies.find(([pattern]) => pattern.test(reason)) ?? [];
  return remedy ? `${reason} (${remedy})` : reason;
}

/** Returns a check of the server's certificate. If the URL names the server by address, the client passes no name to check. */
function identity(servers: readonly string[]) {
  const hosts = servers.map((server) => server.replace(/:\d+$/, '').replace(/^\[|\]$/g, ''));
  const addresses = hosts.filter((host) => isIP(host) > 0);
  return (host: string, certificate: PeerCertificate): Error | undefined => {
    const names = host === 'localhost' && !hosts.includes(host) ? addresses : [host];
    const checks = names.map((name) => checkServerIdentity(name, certificate));
    return checks.includes(undefined) ? undefined : checks[0];
  };
}
