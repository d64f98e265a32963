import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import { Client } from '../http/client.js';
import { readHeaders } from '../http/headers.js';
import type { RequestTarget } from '../http/options.js';
import type { HttpResponse } from '../http/preset.js';
import { describe, reasonOf } from '../http/reason.js';
import { retryAfter } from '../http/retry.js';

/** The statuses after which OTLP asks for another try. */
const temporary = [408, 429, 502, 503, 504];

export interface PushOptions {
  /** The name of the command, for messages. */
  name: string;
  target: RequestTarget;
  /** How often to send (ms). */
  every: number;
  /** How long to keep trying at the end (ms). */
  timeout: number;
  /** Returns the numbers of now: the body of a request. Undefined if there are none yet. */
  body: () => object | undefined;
  /** Called when the receiver has rejected a request for good. */
  failed: (error: unknown) => void;
}

/**
 * Sends numbers to an OpenTelemetry receiver regularly. They are totals since the start, so a request that fails is not kept: the
 * next try sends the numbers of then.
 */
export class Push {
  readonly #stop = new AbortController();
  readonly #trouble: OutageReporter;
  readonly #timer: NodeJS.Timeout;
  #sending: Promise<void> | undefined;
  #warned = false;

  private constructor(
    private readonly options: PushOptions,
    private readonly client: Client,
    private headers: Record<string, string>,
  ) {
    this.#trouble = new OutageReporter(options.name, options.target.where);
    this.#timer = setInterval(() => this.#start(), options.every).unref();
  }

  /** Throws RuntimeError if a file that it needs cannot be read, UsageError if its content is not valid. */
  static async open(options: PushOptions): Promise<Push> {
    const headers = await readHeaders(options.target.headers);
    return new Push(options, await Client.open(options.target), headers);
  }

  /** Reads the files with credentials again. */
  async reopen(): Promise<void> {
    this.headers = await readHeaders(this.options.target.headers);
  }

  /** Sends the last numbers. Throws RuntimeError if they are not accepted in time. */
  async finish(): Promise<void> {
    const { timeout, target } = this.options;
    await this.#pause();
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), timeout);
    try {
      await this.#send(late.signal);
    } catch (error) {
      if (!late.signal.aborted) throw error;
      const why = this.#trouble.reason || 'the receiver was too slow';
      throw new RuntimeError(`the last numbers were not delivered to ${target.where}: ${why}; see --timeout`);
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await this.#pause();
    await this.client.close();
  }

  /** Stops the regular sending. */
  async #pause(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#sending;
  }

  /** Starts to send, unless an earlier request is still being tried: that sends the numbers of now too. */
  #start(): void {
    this.#sending ??= this.#send(this.#stop.signal)
      .catch((error) => {
        if (!this.#stop.signal.aborted) this.options.failed(error);
      })
      .finally(() => {
        this.#sending = undefined;
      });
  }

  /** Sends until the numbers are accepted. Rejects if `stop` aborts, with RuntimeError if they are rejected for good. */
  async #send(stop: AbortSignal): Promise<void> {
    for (let isDone = false; !isDone; ) {
      await this.#trouble.wait(stop);
      try {
        const body = this.options.body();
        isDone = body === undefined || this.#take(await this.#post(body, stop));
      } catch (error) {
        stop.throwIfAborted();
        if (error instanceof RuntimeError) throw error;
        this.#trouble.failed(reasonOf(error));
      }
    }
  }

  async #post(body: object, stop: AbortSignal): Promise<HttpResponse> {
    const packed = await promisify(zlib.gzip)(JSON.stringify(body)); // every OTLP receiver must support gzip
    const headers = {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'user-agent': 'synpipe',
      ...this.headers,
    };
    return this.client.post(this.options.target.url, headers, packed, stop);
  }

  /** Reads a response. Returns whether the numbers were accepted. Throws RuntimeError if they never will be. */
  #take(response: HttpResponse): boolean {
    const { status, headers, body } = response;
    if (temporary.includes(status)) {
      this.#trouble.failed(describe(response), retryAfter([headers['retry-after']].flat()[0], Date.now()));
      return false;
    }
    if (status < 200 || status > 299)
      throw new RuntimeError(`the receiver rejected the metrics: ${describe(response)}; fix the cause`);
    this.#trouble.passed();
    const { partialSuccess } = JSON.parse(body || '{}') as { partialSuccess?: Partial };
    const rejected = Number(partialSuccess?.rejectedDataPoints ?? 0);
    if (rejected > 0 && !this.#warned)
      logMessage(this.options.name, `the receiver rejected ${rejected} numbers: ${partialSuccess?.errorMessage ?? ''}`);
    this.#warned = rejected > 0;
    return true;
  }
}

/** What a receiver says if it has accepted only some of the numbers. */
interface Partial {
  rejectedDataPoints?: string | number;
  errorMessage?: string;
}
