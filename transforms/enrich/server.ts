import { randomInt } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { connect, isIPv6 } from 'node:net';
import { answeredId, decodeReply, encodeQuery, isTruncated, type QueryType, type Reply } from './message.js';

/** So many queries unanswered, one after the other: the server is silent, and asked again only now and then. */
const patience = 16;
const firstPauseMs = 1_000;
const longestPauseMs = 16_000;
/** A socket is left for a new one, with another port, after so many queries. */
const perSocket = 4096;

export interface ServerAddress {
  /** An IPv4 or IPv6 address, the latter perhaps with its zone: `fe80::1%eth0`. */
  address: string;
  port: number;
}

/** One DNS server. */
export class Server {
  #socket: Asking | undefined;
  #unanswered = 0;
  #pause = firstPauseMs;
  #askAgain = 0;
  #closed = false;
  #left = false; // no longer one of those to ask
  #underWay = 0;
  readonly #streams = new Set<() => void>();

  constructor(
    readonly address: string,
    readonly port: number,
    private readonly timeout: number,
    private readonly heard: (server: Server, silent: boolean) => void,
  ) {}

  /** Whether it answers, or it is time to see whether it does again. */
  get usable(): boolean {
    return !this.#closed && !this.#left && (this.#unanswered < patience || performance.now() >= this.#askAgain);
  }

  /** When it is time to see that, in the time of performance.now(). */
  get askAgain(): number {
    return this.#askAgain;
  }

  /** Whether queries are under way. */
  get busy(): boolean {
    return this.#underWay > 0;
  }

  /** If it is silent, has it asked again at once: the network may be another. */
  retry(): void {
    this.#askAgain = 0;
    this.#pause = firstPauseMs;
  }

  /** Asks no more. What is under way may still be answered. */
  leave(): void {
    this.#left = true;
    this.#socket?.retire(false);
  }

  /** Asks once. Undefined where no answer came in time. */
  async ask(name: string, type: QueryType): Promise<Reply | undefined> {
    this.#underWay++;
    try {
      return await this.#ask(name, type);
    } finally {
      this.#underWay--;
    }
  }

  async #ask(name: string, type: QueryType): Promise<Reply | undefined> {
    const silent = this.#unanswered >= patience;
    if (silent) {
      this.#postpone();
      this.#socket?.retire(false); // its local address may be one that this machine no longer has
    }
    const short = await this.#overUdp(name, type);
    if (this.#closed) return undefined;
    const reply = short === 'truncated' ? await this.#overTcp(name, type) : short;
    if (reply === undefined) {
      if (++this.#unanswered === patience) {
        this.#postpone();
        if (!this.#left) this.heard(this, true);
      }
    } else {
      if (this.#unanswered >= patience) this.heard(this, false);
      this.#unanswered = 0;
      this.#pause = firstPauseMs;
    }
    return reply;
  }

  /** Ends what is under way, without an answer. */
  close(): void {
    this.#closed = true;
    this.#socket?.retire(true);
    for (const end of [...this.#streams]) end();
  }

  #postpone(): void {
    this.#askAgain = performance.now() + this.#pause;
    this.#pause = Math.min(this.#pause * 2, longestPauseMs);
  }

  #overUdp(name: string, type: QueryType): Promise<Short> {
    if (!this.#socket?.fresh) {
      this.#socket?.retire(false);
      this.#socket = new Asking(this.address, this.port);
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

/** What a datagram says; undefined where none came in time. */
type Short = Reply | 'truncated' | undefined;

/** Undefined where the message answers another question: it is late, or forged. */
function read(message: Buffer, name: string, type: QueryType): Reply | undefined {
  try {
    return decodeReply(message, name, type);
  } catch {
    return 'failed';
  }
}

/** A connected UDP socket: the kernel lets through only what comes from the server's own address and port. */
class Asking {
  readonly #socket: Socket;
  readonly #open = new Map<number, (message: Buffer | undefined) => void>();
  readonly #connected: Promise<boolean>;
  #unconnected = false;
  #left = perSocket;
  #retired = false;

  constructor(address: string, port: number) {
    this.#socket = createSocket({ type: isIPv6(address) ? 'udp6' : 'udp4', recvBufferSize: 1 << 20 });
    this.#socket.on('message', (message) => this.#open.get(answeredId(message) ?? -1)?.(message));
    // ICMP says that nobody listens, but not to which query: each waits for its own time-out.
    this.#socket.on('error', () => {});
    this.#connected = new Promise((resolve) => {
      this.#socket.connect(port, address, (error?: Error) => {
        this.#unconnected = error !== undefined; // no route yet: the next query needs another socket
        resolve(!error);
      });
    });
  }

  get fresh(): boolean {
    return this.#left > 0 && !this.#retired && !this.#unconnected;
  }

  async ask(name: string, type: QueryType, timeout: number): Promise<Short> {
    this.#left--;
    let id = randomInt(65536);
    while (this.#open.has(id)) id = randomInt(65536);
    const answer = new Promise<Short>((resolve) => {
      const end = (reply: Short) => {
        if (this.#open.get(id) !== take) return; // the answer came meanwhile
        clearTimeout(timer);
        this.#open.delete(id);
        if (this.#retired && this.#open.size === 0) this.#socket.close();
        resolve(reply);
      };
      // After a time in which this process was busy, the answers that have come are read before it is too late.
      const timer = setTimeout(() => setImmediate(() => setImmediate(() => end(undefined))), timeout);
      const take = (message: Buffer | undefined) => {
        const reply = message && (isTruncated(message) ? 'truncated' : read(message, name, type));
        if (!message || reply !== undefined) end(reply);
      };
      this.#open.set(id, take);
    });
    if (await this.#connected)
      this.#socket.send(encodeQuery(id, name, type), () => {}); // an error is no answer
    else this.#open.get(id)?.(undefined);
    return answer;
  }

  /** No query more: closes when those under way have ended, or at once and ends them too. */
  retire(now: boolean): void {
    if (this.#retired) return;
    this.#retired = true;
    if (this.#open.size === 0) this.#socket.close();
    else if (now) for (const end of [...this.#open.values()]) end(undefined);
  }
}
