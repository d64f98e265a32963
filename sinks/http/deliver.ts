import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { cause } from '../../schemas/pipe/errors.js';
import type { Trouble } from '../../schemas/pipe/trouble.js';
import { cut } from '../spool/lines.js';
import type { RejectPolicy } from '../spool/reject.js';
import type { Batch } from '../spool/store.js';
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
    private readonly trouble: Trouble,
    private readonly stop: AbortSignal,
  ) {}

  /** Resolves to how many lines were refused. Rejects when `stop` says so, or the policy for refused lines. */
  async deliver(batch: Batch): Promise<number> {
    const lines = cut(await batch.read());
    const parts: Sent[] = [{ id: batch.id, began: batch.began, lines, places: lines.map((_, at) => at) }];
    let refused = 0;
    for (let sent = parts.shift(); sent; sent = parts.shift()) {
      const { again, rejected } = await this.#once(sent, lines.length);
      parts.unshift(...again);
      refused += rejected;
    }
    return refused;
  }

  /** One try. */
  async #once(sent: Sent, all: number): Promise<{ again: Sent[]; rejected: number }> {
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
      return { again: [sent], rejected: 0 };
    }
    const { status, headers } = answer;
    const asked = retryAfter([headers['retry-after']].flat()[0], Date.now());
    if (status >= 200 && status < 300) return this.#taken(sent, verdict, asked);
    if ((this.receiver.preset.passing ?? passing)(status)) {
      this.trouble.failed(told(answer), asked);
      return { again: [sent], rejected: 0 };
    }
    if (status === 413 && sent.lines.length > 1) return { again: halves(sent), rejected: 0 };
    this.rejects.take(sent.lines, told(answer));
    return { again: [], rejected: sent.lines.length };
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

  #taken(sent: Sent, { retry, rejected, unnamed }: Verdict, asked: number | undefined) {
    for (const { at, reason } of rejected) this.rejects.take([sent.lines[at] as Buffer], reason);
    if (unnamed) this.rejects.take([], unnamed.reason, unnamed.count);
    if (retry.length > 0) this.trouble.failed(`${retry.length} of ${sent.lines.length} events were put off`, asked);
    else this.trouble.passed();
    const again = retry.length > 0 ? [picked(sent, retry)] : [];
    return { again, rejected: rejected.length + (unnamed?.count ?? 0) };
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
  const why = cause(error);
  return why.startsWith('UND_ERR') ? message : why;
}
