import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { cause } from '../../schemas/pipe/messages/errors.js';
import type { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import { cut } from '../spool/lines.js';
import type { RejectPolicy } from '../spool/reject.js';
import type { Tally } from '../spool/stage.js';
import type { Batch } from '../spool/store.js';
import { proxyAnswered } from './client.js';
import { type Answer, key, type Preset, type Sent, type Verdict } from './preset.js';
import { passing, retryAfter } from './retry.js';

const compress = (plain: Buffer): Promise<Buffer> => promisify(gzip)(plain); // loaded where it is used
const unauthorized = 'check the credentials';

export interface Destination {
  url: URL;
  preset: Preset;
  gzip: boolean;
  headers: Record<string, string>;
  post(url: URL, headers: Record<string, string>, body: Buffer, stop: AbortSignal): Promise<Answer>;
}

/** Delivers batches to one receiver: tries until it took each line or refused it for good. */
export class Delivery {
  constructor(
    private readonly receiver: Destination,
    private readonly rejects: RejectPolicy,
    private readonly trouble: OutageReporter,
    private readonly stop: AbortSignal,
  ) {}

  /** Keeps `tally` up to date. Rejects if `stop` aborts, or by the policy for refused lines. */
  async deliver(batch: Batch, tally: Tally): Promise<void> {
    const lines = cut(await batch.read());
    const parts: Sent[] = [{ id: batch.id, began: batch.began, lines, places: lines.map((_, at) => at) }];
    for (let sent = parts.shift(); sent; sent = parts.shift())
      parts.unshift(...(await this.#once(sent, lines.length, tally)));
  }

  /** Tries once. Resolves to what has to be sent again. */
  async #once(sent: Sent, all: number, tally: Tally): Promise<Sent[]> {
    await this.trouble.wait(this.stop);
    let answer: Answer;
    let verdict: Verdict = { retry: [], rejected: [] };
    try {
      answer = await this.#post(sent, key(sent, all));
      const { status } = answer;
      if (status >= 200 && status < 300) verdict = this.receiver.preset.verdict?.(answer, sent) ?? verdict;
    } catch (error) {
      this.stop.throwIfAborted();
      this.trouble.failed(reasonOf(error));
      return [sent];
    }
    const { status, headers } = answer;
    const asked = retryAfter([headers['retry-after']].flat()[0], Date.now());
    if (status >= 200 && status < 300) return this.#taken(sent, verdict, tally, asked);
    if ((this.receiver.preset.passing ?? passing)(status)) {
      this.trouble.failed(told(answer), asked);
      return [sent];
    }
    if (status === 413 && sent.lines.length > 1) return halves(sent);
    const reason = told(answer);
    const count = this.receiver.preset.ignored?.(answer) ?? sent.lines.length;
    if (count < sent.lines.length)
      return this.#taken(sent, { retry: [], rejected: [], unnamed: { count, reason } }, tally);
    this.rejects.take(sent.lines, reason);
    tally.refused += sent.lines.length;
    return [];
  }

  async #post(sent: Sent, name: string): Promise<Answer> {
    const { url, preset, headers } = this.receiver;
    const to = new URL(url);
    for (const [parameter, value] of Object.entries(preset.query?.(name) ?? {})) {
      const given = to.searchParams.get(parameter);
      if (given === null) to.searchParams.set(parameter, value);
      if (given === '') to.searchParams.delete(parameter); // the receiver does not know it
    }
    const plain = preset.body(sent);
    const all = {
      'content-type': preset.contentType,
      'user-agent': 'synpipe',
      'idempotency-key': name,
      ...(this.receiver.gzip && { 'content-encoding': 'gzip' }),
      ...headers,
    };
    return this.receiver.post(to, all, this.receiver.gzip ? await compress(plain) : plain, this.stop);
  }

  #taken(sent: Sent, { retry, rejected, unnamed }: Verdict, tally: Tally, asked?: number): Sent[] {
    tally.stored += sent.lines.length - retry.length - rejected.length - (unnamed?.count ?? 0);
    for (const { at, reason } of rejected) {
      this.rejects.take([sent.lines[at] as Buffer], reason);
      tally.refused++;
    }
    if (unnamed) {
      this.rejects.take([], unnamed.reason, unnamed.count);
      tally.refused += unnamed.count;
    }
    if (retry.length > 0) this.trouble.failed(`${retry.length} of ${sent.lines.length} events were put off`, asked);
    else this.trouble.passed();
    return retry.length > 0 ? [picked(sent, retry)] : [];
  }
}

/** An address without what may be secret in it. */
export function shown({ origin, pathname }: URL): string {
  return origin + pathname;
}

function picked(sent: Sent, which: readonly number[]): Sent {
  const at = <T>(all: readonly T[]) => which.map((one) => all[one] as T);
  return { ...sent, lines: at(sent.lines), places: at(sent.places) };
}

function halves(sent: Sent): Sent[] {
  const all = sent.lines.map((_, at) => at);
  const half = all.length >> 1;
  return [picked(sent, all.slice(0, half)), picked(sent, all.slice(half))];
}

function told({ status, headers, body }: Answer): string {
  if (status === 401 || status === 403) return `${status}, ${unauthorized}`;
  if (status >= 300 && status < 400) return `${status}, it has moved to ${headers.location ?? 'somewhere else'}`;
  const text = body.replace(/\s+/g, ' ').trim().slice(0, 200);
  return text ? `${status} ${text}` : String(status);
}

function reasonOf(error: unknown): string {
  const { name, message } = error as Error;
  if (/Timeout/.test(name)) return 'no answer in time';
  const [, tunnel] = /^Proxy response \((\d+)\)/.exec(message) ?? [];
  if (tunnel) return proxyAnswered(Number(tunnel));
  const why = cause(error);
  return why.startsWith('UND_ERR') ? message : why;
}
