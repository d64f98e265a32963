import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect as dial } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { type ConnectionOptions, connect, type NatsConnection } from '@nats-io/transport-node';
import { freePort } from './port.js';
import { folder, undo } from './process.js';

/** The server's program: Debian's, or another version. */
export const natsServer = process.env.SYNPIPE_NATS_SERVER ?? '/usr/sbin/nats-server';

/** A real nats-server with JetStream on loopback. */
export class NatsServer {
  readonly dir: string;
  port = 0;
  #child: ChildProcess | undefined;

  private constructor(
    private readonly t: TestContext,
    public config: string,
  ) {
    this.dir = folder(t);
  }

  /** `config` is added to the server's configuration. */
  static async start(t: TestContext, config = ''): Promise<NatsServer> {
    const server = new NatsServer(t, config);
    server.port = await freePort();
    undo(t, () => server.down());
    await server.up();
    return server;
  }

  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** The server's log. */
  get log(): string {
    return readFileSync(join(this.dir, 'log'), 'utf8');
  }

  async up(): Promise<void> {
    const path = join(this.dir, 'nats.conf');
    writeFileSync(
      path,
      `listen: 127.0.0.1:${this.port}\njetstream { store_dir: "${this.dir}/data" }\nlog_file: "${this.dir}/log"\n${this.config}\n`,
    );
    const child = spawn(natsServer, ['-c', path], { stdio: 'ignore' });
    this.#child = child;
    for (let tries = 0; tries < 6_000; tries++) {
      if (child.exitCode !== null) throw new Error(`nats-server: ${this.log}`);
      if (await accepts(this.port)) return;
      await sleep(10);
    }
    throw new Error('nats-server does not answer');
  }

  async down(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.on('exit', resolve));
    child.kill(signal);
    await ended;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** A client for the test. `timeout`: how long to wait for an answer (ms), short if the server will go away. */
  async client(
    options: ConnectionOptions = {},
    timeout = 20_000,
  ): Promise<{ nc: NatsConnection; jsm: JetStreamManager }> {
    const nc = await connect({ servers: `127.0.0.1:${this.port}`, timeout: 20_000, ...options });
    undo(this.t, () => nc.close());
    return { nc, jsm: await jetstreamManager(nc, { timeout, checkAPI: false }) };
  }

  /** All messages of a stream, in order. */
  async stored(stream: string, options: ConnectionOptions = {}): Promise<{ subject: string; line: string }[]> {
    const { nc, jsm } = await this.client(options);
    const { state } = await jsm.streams.info(stream);
    const all: { subject: string; line: string }[] = [];
    if (state.messages > 0) {
      const consumer = await jsm.jetstream().consumers.get(stream);
      for await (const msg of await consumer.consume({ max_messages: 5_000 })) {
        all.push({ subject: msg.subject, line: msg.string() });
        if (all.length === state.messages) break;
      }
    }
    await nc.close();
    return all;
  }
}

/** Starts a cluster of three on loopback. */
export async function natsCluster(t: TestContext): Promise<NatsServer[]> {
  const ports = await Promise.all([1, 2, 3].map(freePort));
  const routes = ports.map((port) => `"nats://127.0.0.1:${port}"`).join(', ');
  const config = (port: number) =>
    `server_name: s${port}\ncluster { name: c, listen: "127.0.0.1:${port}", routes: [ ${routes} ] }`;
  return Promise.all(ports.map((port) => NatsServer.start(t, config(port))));
}

async function accepts(port: number): Promise<boolean> {
  const socket = dial(port, '127.0.0.1');
  return new Promise((resolve) => {
    socket.on('data', () => resolve(true)); // the server's INFO
    socket.on('error', () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

/** The seqs of stored lines, in ascending order. */
export function seqs(stored: readonly { line: string }[]): number[] {
  return stored.map(({ line }) => JSON.parse(line).seq as number).sort((a, b) => a - b);
}
