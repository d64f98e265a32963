import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { answeredId, decodeReply, encodeQuery, isTruncated, type QueryType, type Reply } from './message.js';

/** After this many unanswered queries in a row, the server counts as silent and is asked again only after a pause. */
const silentAfter = 16;
const firstPauseMs = 1_000;
const longestPauseMs = 16_000;
/** After this many queries, a socket is replaced by a new one with another port. */
const queriesPerSocket = 4096;

export interface ServerAddress {
  /** An IPv4 or IPv6 address. An IPv6 address may have a zone: `fe80::1%eth0`. */
  address: string;
  port: number;
}

/** One DNS server. */
export class Server {
  #socket: UdpSocket | undefined;
  #unanswered = 0;
  #pause = firstPauseMs;
  #askAgain = 0;
  #closed = false;
  #retired = false; // no longer asked
  #running = 0;
  readonly #streams = new Set<() => void>();

  constructor(
    readonly address: string,
    readonly port: number,
    private readonly timeout: number,
    private readonly onStatus: (server: Server, silent: boolean) => void,
  ) {}

  /** Whether it can be asked now: it answers, or its pause is over. */
  get usable(): boolean {
    return !this.#closed && !this.#retired && (this.#unanswered < silentAfter || performance.now() >= this.#askAgain);
  }

  /** When the pause of a silent server is over, in the time of performance.now(). */
  get askAgain(): number {
    return this.#askAgain;
  }

  /** Whether queries are running. */
  get busy(): boolean {
    return this.#running > 0;
  }

  /** Ends the pause of a silent server, because the network may have changed. */
  retry(): void {
    this.#askAgain = 0;
    this.#pause = firstPauseMs;
  }

  /** Stops asking the server. Running queries may still be answered. */
  retire(): void {
    this.#retired = true;
    this.#socket?.retire(false);
  }

  /** Asks once. Returns undefined if no answer came in time. */
  async ask(name: string, type: QueryType): Promise<Reply | undefined> {
    this.#running++;
    try {
      return await this.#ask(name, type);
    } finally {
      this.#running--;
    }
  }

  async #ask(name: string, type: QueryType): Promise<Reply | undefined> {
    const silent = this.#unanswered >= silentAfter;
    if (silent) {
      this.#postpone();
      this.#socket?.retire(false); // this machine may have lost the socket's local address
    }
    const udpReply = await this.#overUdp(name, type);
    if (this.#closed) return undefined;
    const reply = udpReply === 'truncated' ? await this.#overTcp(name, type) : udpReply;
    if (reply === undefined) {
      if (++this.#unanswered === silentAfter) {
        this.#postpone();
        if (!this.#retired) this.onStatus(this, true);
      }
    } else {
      if (this.#unanswered >= silentAfter) this.onStatus(this, false);
      this.#unanswered = 0;
      this.#pause = firstPauseMs;
    }
    return reply;
  }

  /** Ends all running queries without an answer. */
  close(): void {
    this.#closed = true;
    this.#socket?.retire(true);
    for (const end of [...this.#streams]) end();
  }

  #postpone(): void {
    this.#askAgain = performance.now() + this.#pause;
    this.#pause = Math.min(this.#pause * 2, longestPauseMs);
  }

  #overUdp(name: string, type: QueryType): Promise<UdpReply> {
    if (!this.#socket?.fresh) {
      this.#socket?.retire(false);
      this.#socket = new UdpSocket(this.address, this.port);
    }
    return this.#socket.ask(name, type, this.timeout);
  }

  #overTcp(name: string, type: QueryType): Promise<Reply | undefined> {
    return new Promise((resolve) => {
      const id = randomInt(65536);
      const socket = connect({ host: this.address, port: this.port });
      const timer = setTimeout(() => end(undefined), this.timeout);
      const end = (reply?: Reply) => {
        clearTimeout(timer);
        this.#streams.delete(end);
        socket.destroy();
        resolve(reply);
      };
      this.#streams.add(end);
      let held: Buffer = Buffer.alloc(0);
      socket.on('connect', () => {
        const query = encodeQuery(id, name, type);
        socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 255]), query]));
      });
      socket.on('data', (bytes) => {
        held = Buffer.concat([held, bytes]);
        if (held.length < 2 || held.length < 2 + held.readUInt16BE(0)) return;
        const message = held.subarray(2, 2 + held.readUInt16BE(0));
        end(answeredId(message) === id ? (read(message, name, type) ?? 'failed') : 'failed');
      });
      socket.on('error', () => end('failed')).on('close', () => end('failed'));
    });
  }
}

/** The reply in a datagram, or undefined if no datagram came in time. */
type UdpReply = Reply | 'truncated' | undefined;

/** Decodes a message. Returns undefined if it answers another question, because it is late or forged. */
function read(message: Buffer, name: string, type: QueryType): Reply | undefined {
  try {
    return decodeReply(message, name, type);
  } catch {
    return 'failed';
  }
}

/** A connected UDP socket. The kernel accepts only datagrams from the server's address and port. */
class UdpSocket {
  readonly #socket: Socket;
  readonly #open = new Map<number, (message: Buffer | undefined) => void>();
  readonly #connected: Promise<boolean>;
  #unconnected = false;
  #left = queriesPerSocket;
  #retired = false;

  constructor(address: string, port: number) {
    this.#socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    this.#socket.on('message', (message) => this.#open.get(answeredId(message) ?? -1)?.(message));
    // An ICMP error does not say which query it belongs to, so each query waits for its timeout.
    this.#socket.on('error', () => {});
    this.#connected = new Promise((resolve) => {
      this.#socket.connect(port, address, (error?: Error) => {
        this.#unconnected = error !== undefined; // there is no route yet, so the next query needs another socket
        resolve(!error);
      });
    });
  }

  get fresh(): boolean {
    return this.#left > 0 && !this.#retired && !this.#unconnected;
  }

  async ask(name: string, type: QueryType, timeout: number): Promise<UdpReply> {
    this.#left--;
    let id = randomInt(65536);
    while (this.#open.has(id)) id = randomInt(65536);
    const answer = new Promise<UdpReply>((resolve) => {
      const end = (reply: UdpReply) => {
        if (this.#open.get(id) !== take) return; // the query has ended already
        clearTimeout(timer);
        this.#open.delete(id);
        if (this.#retired && this.#open.size === 0) this.#socket.close();
        resolve(reply);
      };
      // If this process was busy, answers may have come in time that it has not read yet. So it reads them first.
      const timer = setTimeout(() => setImmediate(() => setImmediate(() => end(undefined))), timeout);
      const take = (message: Buffer | undefined) => {
        const reply = message && (isTruncated(message) ? 'truncated' : read(message, name, type));
        if (!message || reply !== undefined) end(reply);
      };
      this.#open.set(id, take);
    });
    if (await this.#connected)
      this.#socket.send(encodeQuery(id, name, type), () => {}); // an error counts as no answer
    else this.#open.get(id)?.(undefined);
    return answer;
  }

  /** Takes no more queries. Closes when the running ones have ended; with `now`, ends them at once. */
  retire(now: boolean): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#open.size === 0) this.#socket.close();
    else if (now) for (const end of [...this.#open.values()]) end(undefined);
  }
}
