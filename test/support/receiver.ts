import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecure, type ServerOptions } from 'node:https';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { freePort } from './port.js';
import { undo } from './process.js';

export interface Got {
  /** The Idempotency-Key header. */
  key: string;
  request: IncomingMessage;
  url: URL;
  body: string;
}

/** What the receiver does with a request that it has read completely. It may not answer. */
export type Behaviour = (got: Got, response: ServerResponse, nth: number) => void;

/** A real HTTP server on loopback. */
export class Receiver {
  /** Every complete request, in order. */
  readonly got: Got[] = [];
  /** How many connections were made. */
  connections = 0;
  behaviour: Behaviour;
  /** Called when a request's header arrives. Returns true if it handled the request. */
  atOnce: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(
    behaviour: Behaviour,
    private readonly secure: ServerOptions | undefined,
    private readonly at: { host: string; port: number },
  ) {
    this.behaviour = behaviour;
    this.#server = this.#make();
  }

  static async start(
    t: TestContext,
    behaviour: Behaviour = ok,
    secure?: ServerOptions,
    at = { host: '127.0.0.1', port: 0 },
  ): Promise<Receiver> {
    const receiver = new Receiver(behaviour, secure, { ...at });
    await receiver.up();
    undo(t, () => receiver.down());
    return receiver;
  }

  get url(): string {
    return `${this.secure ? 'https' : 'http'}://${this.at.host}:${this.at.port}`;
  }

  /** Listens again, on the same port. */
  async up(): Promise<void> {
    this.#server = this.#make();
    this.at.port ||= await freePort();
    await new Promise<void>((resolve) => this.#server.listen(this.at.port, this.at.host, resolve));
  }

  /** Stops listening and closes all connections. */
  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #make(): Server {
    const listener: RequestListener = (request, response) => void this.#take(request, response).catch(() => {});
    const server = this.secure ? createSecure(this.secure, listener) : createServer(listener);
    server.on(this.secure ? 'secureConnection' : 'connection', (socket: Socket) => {
      this.connections++;
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    });
    return server as Server;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.atOnce?.(request, response)) return;
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const raw = Buffer.concat(parts);
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw).toString();
    const url = new URL(request.url as string, this.url);
    const got = { key: String(request.headers['idempotency-key']), request, url, body };
    this.behaviour(got, response, this.got.push(got) - 1);
  }
}

export const ok: Behaviour = (_, response) => void response.end();

/** Stores lines like a receiver that recognizes repeated batches by key. */
export class Deduped {
  readonly batches = new Map<string, string>();
  /** How many batches were repeated with other lines. */
  changed = 0;

  take({ key, body }: Got): void {
    const before = this.batches.get(key);
    if (before !== undefined && before !== body) this.changed++;
    this.batches.set(key, body);
  }

  get lines(): string[] {
    return [...this.batches.values()].flatMap((body) => body.split('\n').slice(0, -1));
  }

  /** The seqs of the lines, in ascending order. */
  get seqs(): number[] {
    return this.lines.map((line) => JSON.parse(line).seq).sort((a, b) => a - b);
  }
}
