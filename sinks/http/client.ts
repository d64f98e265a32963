import { Agent, type Dispatcher, Pool, ProxyAgent } from 'undici';
import { readTls, type TlsFiles } from '../../schemas/pipe/io/tls.js';
import type { HttpResponse } from './preset.js';
import type { HttpProxy } from './proxy.js';

/** The maximum size of a response (bytes). */
const responseLimit = 16 << 20;

export interface ConnectionOptions {
  url: URL;
  proxy: HttpProxy | undefined;
  tls: TlsFiles;
  connections: number;
  /** The time limit for connecting, and for one whole request with its response (ms). */
  timeout: number;
}

/** Sends requests to one server over persistent connections, through a proxy if one is configured. */
export class Client {
  #agent: Dispatcher | undefined;

  private constructor(
    private readonly connection: ConnectionOptions,
    private readonly tls: TlsFiles,
  ) {}

  /** Throws RuntimeError if a TLS file cannot be read, UsageError if its content is not valid. */
  static async open(connection: ConnectionOptions): Promise<Client> {
    return new Client(connection, await readTls(connection.tls));
  }

  /** Creates the HTTP agent ahead of the first request. This loads undici, which is large. */
  prepare(): void {
    this.#agent ??= this.#make();
  }

  #make(): Dispatcher {
    const { url, proxy, connections, timeout } = this.connection;
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

  /** Sends a request and reads the whole response. Rejects if that fails for any reason. */
  async post(url: URL, headers: Record<string, string>, body: Buffer, stop: AbortSignal): Promise<HttpResponse> {
    this.prepare(); // before the timeout starts
    const { proxy, timeout } = this.connection;
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
      if (length > responseLimit) throw new Error(`the response is longer than ${responseLimit} bytes`);
      parts.push(part);
    }
    if (proxy && response.statusCode === 407) throw new Error(proxyError(407));
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() };
  }

  /** Sends http:// requests to a proxy with the full URL, because most proxies allow CONNECT only for https://. */
  #addressed({ protocol, host, origin, pathname, search }: URL, headers: Record<string, string>) {
    const { proxy } = this.connection;
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

/** Describes an error response that comes from the proxy, not from the receiver. */
export function proxyError(status: number): string {
  return `the proxy answered ${status}${status === 407 ? '; set USER:PASSWORD@ in its address' : ' to CONNECT'}`;
}
