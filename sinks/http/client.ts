import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { readTls, type TlsFiles } from '../../schemas/pipe/io/tls.js';
import type { Answer } from './preset.js';
import type { HttpProxy } from './proxy.js';

/** The most bytes of an answer that are read. */
const answerLimit = 16 << 20;

export interface Reach {
  url: URL;
  proxy: HttpProxy | undefined;
  tls: TlsFiles;
  connections: number;
  /** For connecting, and for one whole request with its answer (ms). */
  timeout: number;
}

/** Sends requests to one server, through its proxy if it has one, over connections that stay open. */
export class Client {
  #agent: Dispatcher | undefined;

  private constructor(
    private readonly reach: Reach,
    private readonly tls: TlsFiles,
  ) {}

  /** Throws RuntimeError if a file of `tls` cannot be read, UsageError if it does not hold what it should. */
  static async open(reach: Reach): Promise<Client> {
    return new Client(reach, await readTls(reach.tls));
  }

  /** Loads undici, which is large. */
  prepare(): void {
    this.#agent ??= this.#make();
  }

  #make(): Dispatcher {
    const { url, proxy, connections, timeout } = this.reach;
    const connect = { ...this.tls, timeout };
    const options = { connect, connections, pipelining: 1 };
    if (!proxy) return new Agent(options);
    if (url.protocol === 'http:') return new Pool(proxy.origin, options);
    const { origin: uri, authorization } = proxy;
    return new ProxyAgent({
      ...options,
      uri,
      ...(authorization && { token: authorization }),
      requestTls: connect,
      proxyTls: connect,
    });
  }

  /** Resolves once the whole answer has been read. Rejects if there is none, for whatever reason. */
  async post(url: URL, headers: Record<string, string>, body: Buffer, stop: AbortSignal): Promise<Answer> {
    this.prepare(); // before the time runs
    const { proxy, timeout } = this.reach;
    const signal = AbortSignal.any([stop, AbortSignal.timeout(timeout)]);
    const response = await (this.#agent as Dispatcher).request({
      ...this.#addressed(url, headers),
      origin: url.origin,
      method: 'POST',
      body,
      signal,
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of response.body) {
      length += part.length;
      if (length > answerLimit) throw new Error(`the answer is longer than ${answerLimit} bytes`);
      parts.push(part);
    }
    if (proxy && response.statusCode === 407) throw new Error(proxyAnswered(407));
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() };
  }

  /** A proxy gets http:// requests as they are, with the whole address: most allow CONNECT for https:// only. */
  #addressed({ protocol, host, origin, pathname, search }: URL, headers: Record<string, string>) {
    const { proxy } = this.reach;
    if (!proxy || protocol === 'https:') return { path: pathname + search, headers };
    const { authorization } = proxy;
    return {
      path: origin + pathname + search,
      headers: { host, ...headers, ...(authorization && { 'proxy-authorization': authorization }) },
    };
  }

  async close(): Promise<void> {
    await this.#agent?.destroy();
  }
}

/** What a proxy's answer means that is not the receiver's. */
export function proxyAnswered(status: number): string {
  return `the proxy answered ${status}${status === 407 ? '; set USER:PASSWORD@ in its address' : ' to CONNECT'}`;
}
