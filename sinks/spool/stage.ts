import { counted } from '../../schemas/pipe/io/fd.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { type Metric, metric } from '../../schemas/pipe/metrics/text.js';
import type { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { Damaged } from './damage.js';
import type { RejectPolicy } from './reject.js';
import type { Batch, Store } from './store.js';

/** How many lines of a batch the receiver has stored, and refused for good, so far. */
export interface Tally {
  stored: number;
  refused: number;
}

/** Delivers batches, and keeps trying. */
export interface Receiver {
  /** There is something to deliver before long. */
  prepare?(): void;
  /** Keeps `tally` up to date. Rejects if `stop` aborts, or by the policy for refused lines. */
  deliver(batch: Batch, tally: Tally): Promise<void>;
  /** Files of credentials may have changed. */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export interface Settings {
  name: string;
  /** The receiver's address, without what may be secret in it. */
  where: string;
  store: Store;
  /** What is left at the end stays for the next run. */
  durable: boolean;
  rejects: () => RejectPolicy;
  batchBytes: number;
  batchLines: number;
  /** How long a line waits for others (ms); with 0, only while `atOnce` batches are under way. */
  batchTime: number;
  /** How many batches are under way at once. */
  atOnce: number;
  /** How long to go on at the end (ms). */
  timeout: number;
  trouble: OutageReporter;
  open(rejects: RejectPolicy, stop: AbortSignal): Promise<Receiver>;
}

/** Collects lines to batches and delivers these, so many at once; lines count as stored when the receiver took them. */
export class BatchSink implements Stage {
  readonly name: string;
  readonly sink = true;
  readonly durable: boolean;
  readonly #stop = new AbortController();
  #receiver: Receiver | undefined;
  #rejects: RejectPolicy | undefined;
  #running = new Set<Promise<void>>();
  /** Of the batches that are under way. */
  readonly #tallies = new Set<Tally>();
  #results = { stored: 0, refused: 0, damaged: 0 };
  /** Lines that the store still has, though they were stored or refused: their batch failed or ran out of time. */
  #partly = 0;
  #rejected = 0;
  #failure: unknown;
  #gaveUp = false;
  #deadline = Number.POSITIVE_INFINITY;
  #ending: NodeJS.Timeout | undefined;
  #batchTimer: NodeJS.Timeout | undefined;
  #wake = () => {};
  #changed = () => {};

  constructor(private readonly settings: Settings) {
    this.name = settings.name;
    this.durable = settings.durable;
  }

  async open(out: Output): Promise<void> {
    this.#wake = out.wake;
    const { store, rejects, open } = this.settings;
    this.#rejects = rejects();
    this.#receiver = await open(this.#rejects, this.#stop.signal);
    await store.open(() => this.#pump());
    this.#pump();
  }

  line(line: Line, out: Output): void | Promise<void> {
    const { store } = this.settings;
    if (!store.ready || !this.#fits(line)) return this.#another(line, out);
    return this.#add(line);
  }

  flush(out: Output): void | Promise<void> {
    this.#settle(out);
    const { store, batchTime, atOnce } = this.settings;
    if (store.heldLines === 0) return undefined;
    this.#receiver?.prepare?.();
    if (batchTime === 0) return this.#running.size < atOnce ? store.seal() : store.flush();
    const left = store.began + batchTime - Date.now();
    if (left <= 0) return store.seal();
    this.#sealIn(left); // a timer may be a little earlier than the clock
    return store.flush();
  }

  /** Waits until all is delivered, or time is up. */
  async finish(out: Output): Promise<undefined> {
    const { store, timeout, durable } = this.settings;
    if (store.heldLines > 0) await store.seal();
    this.#endIn(timeout);
    while (this.#running.size > 0 && !this.#over) await this.#change();
    this.#settle(out);
    if (this.#rejected > 0) logMessage(this.name, `${counted(this.#rejected)} refused by the receiver`);
    if (this.#running.size === 0) return;
    if (!durable) throw this.#undelivered(out);
    logMessage(this.name, `${this.settings.where}: not all is delivered; the rest stays in the spool`);
  }

  mark(): () => boolean {
    return this.settings.store.mark();
  }

  heldBytes(): number {
    return this.settings.store.bytes;
  }

  metrics(): Metric[] {
    const { trouble } = this.settings;
    const up = 'Whether the receiver took what it was last sent: 1, or 0 while it is tried again.';
    const tries = 'Tries that failed and were made again.';
    return [
      metric('synpipe_receiver_up', 'gauge', up, trouble.reason === '' ? 1 : 0),
      metric('synpipe_receiver_failures_total', 'counter', tries, trouble.failures),
    ];
  }

  stop(): number {
    const { store, durable, timeout } = this.settings;
    const needs = durable ? 0 : timeout;
    this.#endIn(needs);
    store.stop();
    return needs;
  }

  async reopen(): Promise<void> {
    await this.#receiver?.reopen();
  }

  async end(): Promise<void> {
    clearTimeout(this.#ending);
    clearTimeout(this.#batchTimer);
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#receiver?.close();
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
    if (store.heldLines === 1 && batchTime > 0) this.#sealIn(batchTime);
  }

  #sealIn(ms: number): void {
    clearTimeout(this.#batchTimer);
    this.#batchTimer = setTimeout(this.#wake, ms);
  }

  /** The line begins a batch. Waits for room. */
  async #another(line: Line, out: Output): Promise<void> {
    const { store } = this.settings;
    if (store.heldLines > 0) await store.seal();
    while (store.full) {
      this.#settle(out);
      if (this.#over) throw this.#undelivered(out, 1);
      await this.#change();
    }
    if (!store.ready) await store.begin();
    this.#add(line);
  }

  /** Sends as many batches at once as there may be connections. */
  #pump(): void {
    const { store, atOnce } = this.settings;
    while (this.#running.size < atOnce && !this.#failure && !this.#stop.signal.aborted) {
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
    const tally: Tally = { stored: 0, refused: 0 };
    this.#tallies.add(tally);
    try {
      await (this.#receiver as Receiver).deliver(batch, tally);
      await this.settings.store.done(batch);
      this.#results.refused += tally.refused;
      this.#results.stored += Math.max(0, batch.lines - tally.refused); // an earlier run has counted its own
    } catch (error) {
      if (error instanceof Damaged) {
        this.#results.damaged += batch.lines;
        return;
      }
      if (this.#stop.signal.aborted) return;
      this.#failure ??= error;
      this.#countPart(tally);
    } finally {
      this.#tallies.delete(tally);
    }
  }

  /** Counts what became of a batch that is not delivered as a whole. A spool keeps all of it for the next run. */
  #countPart({ stored, refused }: Tally): void {
    if (this.settings.durable) return;
    this.#results.stored += stored;
    this.#results.refused += refused;
    this.#partly += stored + refused;
  }

  /** Counts what has been delivered since. Throws what went wrong. */
  #settle(out: Output): void {
    this.#count(out);
    if (!this.#failure) return;
    const waiting = this.settings.store.waiting - this.#partly;
    if (!this.settings.durable && waiting > 0 && !this.#gaveUp)
      logMessage(this.name, `${counted(waiting)} not delivered`);
    this.#gaveUp = true;
    throw this.#failure;
  }

  #count(out: Output): void {
    const { stored, refused, damaged } = this.#results;
    this.#results = { stored: 0, refused: 0, damaged: 0 };
    if (stored > 0) out.stored(stored);
    if (refused > 0) out.lost('refused', refused);
    if (damaged > 0) out.lost('damaged spool', damaged);
    this.#rejected += refused;
  }

  /** Counts what is not delivered when time is up, and `more` lines that are not in the store. */
  #undelivered(out: Output, more = 0): RuntimeError {
    for (const tally of this.#tallies) this.#countPart(tally);
    this.#count(out);
    const lines = this.settings.store.waiting - this.#partly + more;
    out.lost('not delivered', lines);
    const { where, trouble } = this.settings;
    const why = trouble.reason || 'it was too slow';
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
