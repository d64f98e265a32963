import { type Dispatcher, EnvHttpProxyAgent } from 'undici';
import { readSecret } from '../../schemas/pipe/secret.js';
import type { Answer } from './preset.js';

/** An answer is read no further than this. */
const answerLimit = 16 << 20;

interface Tls {
  ca?: string | undefined;
  cert?: string | undefined;
  key?: string | undefined;
}

export interface Reach {
  tls: Tls;
  connections: number;
  /** For connecting, and for the whole of one request and its answer (ms). */
  timeout: number;
}

/** Sends requests over connections that are kept, by way of the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name. */
export class Client {
  #made: Dispatcher | undefined;

  private constructor(
    private readonly make: () => Dispatcher,
    private readonly timeout: number,
  ) {
    if (Object.keys(process.env).some((name) => /^https?_proxy$/i.test(name))) this.#made = make(); // or it fails at once
  }

  /** Loads what sends, which is large. */
  prepare(): void {
    this.#agent;
  }

  get #agent(): Dispatcher {
    this.#made ??= this.make();
    return this.#made;
  }

  /** Throws RuntimeError where a file of `tls` cannot be read. */
  static async open({ tls, connections, timeout }: Reach): Promise<Client> {
    const secrets: Record<string, string> = {};
    for (const [name, path] of Object.entries(tls)) if (path !== undefined) secrets[name] = await readSecret(path);
    const connect = { ...secrets, timeout };
    const options = { connect, requestTls: connect, proxyTls: secrets, connections, pipelining: 1 };
    return new Client(() => new EnvHttpProxyAgent(options), timeout);
  }

  /** Resolves once the answer is there whole. Rejects where it is not, for whatever reason. */
  async post(url: URL, headers: Record<string, string>, body: Buffer, stop: AbortSignal): Promise<Answer> {
    const agent = this.#agent; // before the time runs
    const signal = AbortSignal.any([stop, AbortSignal.timeout(this.timeout)]);
    const { origin, pathname, search } = url;
    const response = await agent.request({
      origin,
      path: pathname + search,
      method: 'POST',
      headers,
      body,
      signal,
      headersTimeout: this.timeout,
      bodyTimeout: this.timeout,
    });
    const parts: Buffer[] = [];
    let length = 0;
    for await (const part of response.body) {
      length += part.length;
      if (length > answerLimit) throw new Error(`the answer is longer than ${answerLimit} bytes`);
      parts.push(part);
    }
    return { status: response.statusCode, headers: response.headers, body: Buffer.concat(parts).toString() };
  }

  async close(): Promise<void> {
    await this.#made?.destroy();
  }
}
