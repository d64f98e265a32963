import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import type { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import { splitLines } from '../spool/lines.js';
import type { RejectPolicy } from '../spool/reject.js';
import type { Receiver, Tally } from '../spool/stage.js';
import type { Batch } from '../spool/store.js';
import { Client, type ConnectionOptions } from './client.js';
import { type HeaderSources, readHeaders } from './headers.js';
import { type HttpResponse, key, type LineResults, type Preset, type RequestLines } from './preset.js';
import { describe, reasonOf } from './reason.js';
import { isTemporary, retryAfter } from './retry.js';

const compress = (plain: Buffer): Promise<Buffer> => promisify(zlib.gzip)(plain); // zlib is loaded when it is first used

export interface HttpOptions extends ConnectionOptions {
  preset: Preset;
  gzip: boolean;
  headers: HeaderSources;
}

/** Delivers batches to an HTTP server. Retries until each line is accepted or permanently rejected. */
export class Delivery implements Receiver {
  private constructor(
    private readonly options: HttpOptions,
    private readonly client: Client,
    private headers: Record<string, string>,
    private readonly trouble: OutageReporter,
    private readonly rejects: RejectPolicy,
    private readonly stop: AbortSignal,
  ) {}

  /** Throws RuntimeError if a file that it needs cannot be read. */
  static async open(
    options: HttpOptions,
    trouble: OutageReporter,
    rejects: RejectPolicy,
    stop: AbortSignal,
  ): Promise<Delivery> {
    const headers = await readHeaders(options.headers);
    return new Delivery(options, await Client.open(options), headers, trouble, rejects, stop);
  }

  prepare(): void {
    this.client.prepare();
  }

  async reopen(): Promise<void> {
    this.headers = await readHeaders(this.options.headers);
  }

  close(): Promise<void> {
    return this.client.close();
  }

  /** Delivers a batch and keeps `tally` up to date. Rejects if `stop` aborts, or if the reject policy throws. */
  async deliver(batch: Batch, tally: Tally): Promise<void> {
    const lines = splitLines(await batch.read());
    const parts: RequestLines[] = [{ id: batch.id, began: batch.began, lines, positions: lines.map((_, at) => at) }];
    for (let sent = parts.shift(); sent; sent = parts.shift())
      parts.unshift(...(await this.#sendOnce(sent, lines.length, tally)));
  }

  /** Sends once. Resolves to what must be sent again. */
  async #sendOnce(sent: RequestLines, all: number, tally: Tally): Promise<RequestLines[]> {
    await this.trouble.wait(this.stop);
    let response: HttpResponse;
    let results: LineResults = { retry: [], rejected: [] };
    try {
      response = await this.#post(sent, key(sent, all));
      const { status } = response;
      if (status >= 200 && status < 300) results = this.options.preset.results?.(response, sent) ?? results;
    } catch (error) {
      this.stop.throwIfAborted();
      this.trouble.failed(reasonOf(error));
      return [sent];
    }
    const { status, headers } = response;
    const asked = retryAfter([headers['retry-after']].flat()[0], Date.now());
    if (status >= 200 && status < 300) return this.#taken(sent, results, tally, asked);
    if ((this.options.preset.isTemporary ?? isTemporary)(status)) {
      this.trouble.failed(describe(response), asked);
      return [sent];
    }
    if (status === 413 && sent.lines.length > 1) return halves(sent);
    const reason = describe(response);
    const count = this.options.preset.partlyRejected?.(response) ?? sent.lines.length;
    if (count < sent.lines.length)
      return this.#taken(sent, { retry: [], rejected: [], unidentified: { count, reason } }, tally);
    this.rejects.take(sent.lines, reason);
    tally.rejected += sent.lines.length;
    return [];
  }

  async #post(sent: RequestLines, name: string): Promise<HttpResponse> {
    const { url, preset, gzip } = this.options;
    const to = new URL(url);
    for (const [parameter, value] of Object.entries(preset.query?.(name) ?? {})) {
      const given = to.searchParams.get(parameter);
      if (given === null) to.searchParams.set(parameter, value);
      if (given === '') to.searchParams.delete(parameter); // the user turned this parameter off
    }
    const plain = preset.body(sent);
    const all = {
      'content-type': preset.contentType,
      'user-agent': 'synpipe',
      'idempotency-key': name,
      ...(gzip && { 'content-encoding': 'gzip' }),
      ...this.headers,
    };
    return this.client.post(to, all, gzip ? await compress(plain) : plain, this.stop);
  }

  #taken(
    sent: RequestLines,
    { retry, rejected, unidentified }: LineResults,
    tally: Tally,
    asked?: number,
  ): RequestLines[] {
    tally.stored += sent.lines.length - retry.length - rejected.length - (unidentified?.count ?? 0);
    for (const { at, reason } of rejected) {
      this.rejects.take([sent.lines[at] as Buffer], reason);
      tally.rejected++;
    }
    if (unidentified) {
      this.rejects.take([], unidentified.reason, unidentified.count);
      tally.rejected += unidentified.count;
    }
    if (retry.length > 0) this.trouble.failed(`${retry.length} of ${sent.lines.length} events must be retried`, asked);
    else this.trouble.passed();
    return retry.length > 0 ? [picked(sent, retry)] : [];
  }
}

function picked(sent: RequestLines, which: readonly number[]): RequestLines {
  const at = <T>(all: readonly T[]) => which.map((one) => all[one] as T);
  return { ...sent, lines: at(sent.lines), positions: at(sent.positions) };
}

function halves(sent: RequestLines): RequestLines[] {
  const all = sent.lines.map((_, at) => at);
  const half = all.length >> 1;
  return [picked(sent, all.slice(0, half)), picked(sent, all.slice(half))];
}
