import { RuntimeError } from '../../schemas/pipe/errors.js';
import { counted } from '../../schemas/pipe/fd.js';
import type { Line } from '../../schemas/pipe/line.js';
import { say } from '../../schemas/pipe/say.js';
import type { Output, Stage } from '../../schemas/pipe/stage.js';
import { Client, type Reach } from './client.js';
import { Delivery, type Receiver, shown } from './deliver.js';
import { type HeaderSources, readHeaders } from './headers.js';
import type { RejectPolicy } from './reject.js';
import type { Batch, Store } from './store.js';

export interface Settings {
  receiver: Omit<Receiver, 'post' | 'headers'>;
  reach: Reach;
  headers: HeaderSources;
  store: Store;
  /** What is left at the end stays for the next run. */
  durable: boolean;
  rejects: () => RejectPolicy;
  batchBytes: number;
  batchLines: number;
  batchTime: number;
  /** How long to go on at the end (ms). */
  timeout: number;
}

/** Collects lines to batches and delivers these, so many at once; lines count as stored when the receiver took them. */
export class SinkHttp implements Stage {
  readonly name = 'sink-http';
  readonly sink = true;
  readonly #stop = new AbortController();
  #client: Client | undefined;
  #receiver: Receiver | undefined;
  #rejects: RejectPolicy | undefined;
  #delivery: Delivery | undefined;
  #running = new Set<Promise<void>>();
  #results = { stored: 0, rejected: 0 };
  #rejected = 0;
  #failure: unknown;
  #gaveUp = false;
  #deadline = Number.POSITIVE_INFINITY;
  #ending: NodeJS.Timeout | undefined;
  #batchTimer: NodeJS.Timeout | undefined;
  #wake = () => {};
  #changed = () => {};

  constructor(private readonly settings: Settings) {}

  async open(out: Output): Promise<void> {
    this.#wake = out.wake;
    const { reach, headers, receiver, store, rejects } = this.settings;
    const known = await readHeaders(headers);
    this.#rejects = rejects();
    const client = await Client.open(reach);
    this.#client = client;
    this.#receiver = { ...receiver, headers: known, post: (...request) => client.post(...request) };
    this.#delivery = new Delivery(this.#receiver, this.#rejects, (text) => say(this.name, text), this.#stop.signal);
    await store.open();
    this.#pump();
  }

  line(line: Line, out: Output): void | Promise<void> {
    const { store } = this.settings;
    if (!store.ready || !this.#fits(line)) return this.#another(line, out);
    return this.#add(line);
  }

  flush(out: Output): void | Promise<void> {
    this.#settle(out);
    const { store, batchTime } = this.settings;
    if (store.heldLines === 0) return undefined;
    const left = store.began + batchTime - Date.now();
    if (left <= 0) return this.#seal();
    this.#sealIn(left); // a timer may be a little earlier than the clock
    return store.flush();
  }

  /** Waits until all is delivered, or time is up. */
  async finish(out: Output): Promise<undefined> {
    const { store, timeout, durable } = this.settings;
    if (store.heldLines > 0) await this.#seal();
    this.#endIn(timeout);
    while (this.#running.size > 0 && !this.#over) await this.#change();
    this.#settle(out);
    if (this.#rejected > 0) say(this.name, `${counted(this.#rejected)} refused by the receiver`);
    if (this.#running.size === 0) return;
    if (!durable) throw this.#undelivered(out, store.waiting);
    say(this.name, `${shown(this.settings.receiver.url)}: not all is delivered; the rest stays in the spool`);
  }

  stop(): number {
    const { store, durable, timeout } = this.settings;
    const needs = durable ? 0 : timeout;
    this.#endIn(needs);
    store.stop();
    return needs;
  }

  /** The files of headers and credentials may have changed. */
  async reopen(): Promise<void> {
    const headers = await readHeaders(this.settings.headers);
    if (this.#receiver) this.#receiver.headers = headers;
  }

  async end(): Promise<void> {
    clearTimeout(this.#ending);
    clearTimeout(this.#batchTimer);
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#client?.close();
    await this.settings.store.close();
    this.#rejects?.close();
  }

  #fits({ start, end }: Line): boolean {
    const { store, batchBytes, batchLines } = this.settings;
    return store.heldLines === 0 || (store.held + end - start < batchBytes && store.heldLines < batchLines);
  }

  #add(line: Line): void {
    const { store, batchTime } = this.settings;
    store.add(line);
    if (store.heldLines > 1) return;
    this.#sealIn(batchTime);
  }

  #sealIn(ms: number): void {
    clearTimeout(this.#batchTimer);
    this.#batchTimer = setTimeout(this.#wake, ms);
  }

  /** The line begins a batch. Waits for room. */
  async #another(line: Line, out: Output): Promise<void> {
    const { store } = this.settings;
    if (store.heldLines > 0) await this.#seal();
    while (store.full) {
      this.#settle(out);
      if (this.#over) throw this.#undelivered(out, store.waiting + 1);
      await this.#change();
    }
    if (!store.ready) await store.begin();
    this.#add(line);
  }

  async #seal(): Promise<void> {
    await this.settings.store.seal();
    this.#pump();
  }

  /** Sends as many batches at once as there may be connections. */
  #pump(): void {
    const { store, reach } = this.settings;
    while (this.#running.size < reach.connections && !this.#failure && !this.#stop.signal.aborted) {
      const batch = store.take();
      if (!batch) return;
      const delivered = this.#deliver(batch).finally(() => {
        this.#running.delete(delivered);
        this.#pump();
        this.#changed();
        this.#wake();
      });
      this.#running.add(delivered);
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    try {
      const refused = await (this.#delivery as Delivery).deliver(batch);
      await this.settings.store.done(batch);
      this.#results.rejected += refused;
      this.#results.stored += Math.max(0, batch.lines - refused); // those of an earlier run are not in this one's account
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#failure ??= error;
    }
  }

  /** Counts what has been delivered since. Throws what went wrong. */
  #settle(out: Output): void {
    const { stored, rejected } = this.#results;
    this.#results = { stored: 0, rejected: 0 };
    if (stored > 0) out.stored(stored);
    if (rejected > 0) out.lost('refused', rejected);
    this.#rejected += rejected;
    if (!this.#failure) return;
    const { waiting } = this.settings.store;
    if (!this.settings.durable && waiting > 0 && !this.#gaveUp) say(this.name, `${counted(waiting)} not delivered`);
    this.#gaveUp = true;
    throw this.#failure;
  }

  #undelivered(out: Output, lines: number): RuntimeError {
    out.lost('not delivered', lines);
    const where = shown(this.settings.receiver.url);
    const why = this.#delivery?.trouble || 'it was too slow';
    return new RuntimeError(`${counted(lines)} not delivered to ${where}: ${why}; see --spool`);
  }

  get #over(): boolean {
    return Date.now() >= this.#deadline || this.#failure !== undefined;
  }

  #endIn(ms: number): void {
    const deadline = Date.now() + ms;
    if (deadline >= this.#deadline) return;
    this.#deadline = deadline;
    clearTimeout(this.#ending);
    this.#ending = setTimeout(() => {
      this.#deadline = Number.NEGATIVE_INFINITY; // a timer may be a little earlier than the clock
      this.#changed();
    }, ms);
    this.#changed();
  }

  /** Resolves when a batch has ended, or time is up. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}
