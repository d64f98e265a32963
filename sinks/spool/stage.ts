import { counted } from '../../schemas/pipe/io/fd.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { type Metric, metric } from '../../schemas/pipe/metrics/text.js';
import type { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import type { Control, Observe, Output, Stage, Traits } from '../../schemas/pipe/stage/stage.js';
import { Damaged } from './damage.js';
import type { RejectPolicy } from './reject.js';
import type { Batch, Store } from './store.js';

/** How many lines of a batch the receiver has stored and permanently rejected so far. */
export interface Tally {
  stored: number;
  rejected: number;
}

/** Delivers batches and retries until it succeeds. */
export interface Receiver {
  /** Prepares for a delivery that will follow soon. */
  prepare?(): void;
  /** Delivers a batch and keeps `tally` up to date. Rejects if `stop` aborts, or if the reject policy throws. */
  deliver(batch: Batch, tally: Tally): Promise<void>;
  /** Reads the files with credentials again (SIGHUP). */
  reopen(): Promise<void>;
  close(): Promise<void>;
}

export interface BatchSinkOptions {
  name: string;
  /** The receiver's address, without secrets. */
  where: string;
  store: Store;
  /** Undelivered lines stay in the store for the next run. */
  durable: boolean;
  rejects: () => RejectPolicy;
  batchBytes: number;
  batchLines: number;
  /** How long a line may wait for others (ms). With 0 it waits only while `concurrency` deliveries are in progress. */
  batchTime: number;
  /** How many batches are delivered at once. */
  concurrency: number;
  /** How long to keep trying at the end (ms). */
  timeout: number;
  trouble: OutageReporter;
  open(rejects: RejectPolicy, stop: AbortSignal): Promise<Receiver>;
}

/** Collects lines into batches and delivers several at once. Lines count as stored once the receiver has accepted them. */
export class BatchSink implements Stage {
  readonly name: string;
  readonly traits: Traits;
  readonly observe: Observe = {
    metrics: () => this.#metrics(),
    heldBytes: () => this.options.store.bytes,
    mark: () => this.options.store.mark(),
  };
  readonly control: Control = { stop: () => this.#giveUpSoon(), reopen: () => this.#receiver?.reopen() };
  readonly #stop = new AbortController();
  #receiver: Receiver | undefined;
  #rejects: RejectPolicy | undefined;
  #running = new Set<Promise<void>>();
  /** The tallies of the deliveries in progress. */
  readonly #tallies = new Set<Tally>();
  #results = { stored: 0, rejected: 0, damaged: 0 };
  /** Lines that are stored or rejected but still count as waiting: the rest of their batch failed or ran out of time. */
  #partlyDelivered = 0;
  #rejected = 0;
  #failure: unknown;
  #gaveUp = false;
  #deadline = Number.POSITIVE_INFINITY;
  #ending: NodeJS.Timeout | undefined;
  #batchTimer: NodeJS.Timeout | undefined;
  #wake = () => {};
  #changed = () => {};

  constructor(private readonly options: BatchSinkOptions) {
    this.name = options.name;
    this.traits = { sink: true, durable: options.durable };
  }

  async open(out: Output): Promise<void> {
    this.#wake = out.wake;
    const { store, rejects, open } = this.options;
    this.#rejects = rejects();
    this.#receiver = await open(this.#rejects, this.#stop.signal);
    await store.open(() => this.#startDeliveries());
    this.#startDeliveries();
  }

  line(line: Line, out: Output): void | Promise<void> {
    const { store } = this.options;
    if (!store.ready || !this.#fits(line)) return this.#startBatch(line, out);
    return this.#add(line);
  }

  flush(out: Output): void | Promise<void> {
    this.#countResults(out);
    const { store, batchTime, concurrency } = this.options;
    if (store.heldLines === 0) return undefined;
    this.#receiver?.prepare?.();
    if (batchTime === 0) return this.#running.size < concurrency ? store.seal() : store.flush();
    const left = store.began + batchTime - Date.now();
    if (left <= 0) return store.seal();
    this.#sealIn(left); // the timer may have fired early
    return store.flush();
  }

  /** Waits until everything is delivered or the timeout is over. */
  async finish(out: Output): Promise<undefined> {
    const { store, timeout, durable } = this.options;
    if (store.heldLines > 0) await store.seal();
    this.#endIn(timeout);
    while (this.#running.size > 0 && !this.#isOver) await this.#nextChange();
    this.#countResults(out);
    if (this.#rejected > 0) logMessage(this.name, `${counted(this.#rejected)} rejected by the receiver`);
    if (this.#running.size === 0) return;
    if (!durable) throw this.#undelivered(out);
    logMessage(this.name, `${this.options.where}: not everything was delivered; the rest stays in the spool`);
  }

  #metrics(): Metric[] {
    const { trouble } = this.options;
    const up = 'Whether the last delivery succeeded: 1, or 0 while it is being retried.';
    const tries = 'Deliveries that failed and were retried.';
    return [
      metric('synpipe_receiver_up', 'gauge', up, trouble.reason === '' ? 1 : 0),
      metric('synpipe_receiver_failures_total', 'counter', tries, trouble.failures),
    ];
  }

  /** Returns how long that may take (ms). */
  #giveUpSoon(): number {
    const { store, durable, timeout } = this.options;
    const needs = durable ? 0 : timeout;
    this.#endIn(needs);
    store.stop();
    return needs;
  }

  async close(): Promise<void> {
    clearTimeout(this.#ending);
    clearTimeout(this.#batchTimer);
    this.#stop.abort();
    await Promise.all(this.#running);
    await this.#receiver?.close();
    await this.options.store.close();
    this.#rejects?.close();
  }

  #fits({ start, end }: Line): boolean {
    const { store, batchBytes, batchLines } = this.options;
    return store.heldLines === 0 || (store.held + end - start < batchBytes && store.heldLines < batchLines);
  }

  #add(line: Line): void {
    const { store, batchTime } = this.options;
    store.add(line);
    if (store.heldLines === 1 && batchTime > 0) this.#sealIn(batchTime);
  }

  #sealIn(ms: number): void {
    clearTimeout(this.#batchTimer);
    this.#batchTimer = setTimeout(this.#wake, ms);
  }

  /** Starts a new batch with this line. Waits until there is room for it. */
  async #startBatch(line: Line, out: Output): Promise<void> {
    const { store } = this.options;
    if (store.heldLines > 0) await store.seal();
    while (store.full) {
      this.#countResults(out);
      if (this.#isOver) throw this.#undelivered(out, 1);
      await this.#nextChange();
    }
    if (!store.ready) await store.begin();
    this.#add(line);
  }

  /** Starts deliveries until `concurrency` are in progress. */
  #startDeliveries(): void {
    const { store, concurrency } = this.options;
    while (this.#running.size < concurrency && !this.#failure && !this.#stop.signal.aborted) {
      const batch = store.take();
      if (!batch) return;
      const delivered = this.#deliver(batch).finally(() => {
        this.#running.delete(delivered);
        this.#startDeliveries();
        this.#changed();
        this.#wake();
      });
      this.#running.add(delivered);
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    const tally: Tally = { stored: 0, rejected: 0 };
    this.#tallies.add(tally);
    try {
      await (this.#receiver as Receiver).deliver(batch, tally);
      await this.options.store.done(batch);
      this.#results.rejected += tally.rejected;
      this.#results.stored += Math.max(0, batch.lines - tally.rejected); // lines of an earlier run were counted by that run
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

  /** Counts the stored and rejected lines of a batch that failed. A spool keeps the whole batch for the next run. */
  #countPart({ stored, rejected }: Tally): void {
    if (this.options.durable) return;
    this.#results.stored += stored;
    this.#results.rejected += rejected;
    this.#partlyDelivered += stored + rejected;
  }

  /** Counts what was delivered since the last call. Throws if a delivery has failed for good. */
  #countResults(out: Output): void {
    this.#count(out);
    if (!this.#failure) return;
    const waiting = this.options.store.waiting - this.#partlyDelivered;
    if (!this.options.durable && waiting > 0 && !this.#gaveUp)
      logMessage(this.name, `${counted(waiting)} not delivered`);
    this.#gaveUp = true;
    throw this.#failure;
  }

  #count(out: Output): void {
    const { stored, rejected, damaged } = this.#results;
    this.#results = { stored: 0, rejected: 0, damaged: 0 };
    if (stored > 0) out.stored(stored);
    if (rejected > 0) out.lost('refused', rejected);
    if (damaged > 0) out.lost('damaged spool', damaged);
    this.#rejected += rejected;
  }

  /** Counts the undelivered lines as lost, and `more` lines that are not in the store. Returns the error to throw. */
  #undelivered(out: Output, more = 0): RuntimeError {
    for (const tally of this.#tallies) this.#countPart(tally);
    this.#count(out);
    const lines = this.options.store.waiting - this.#partlyDelivered + more;
    out.lost('not delivered', lines);
    const { where, trouble } = this.options;
    const why = trouble.reason || 'the receiver was too slow';
    return new RuntimeError(`${counted(lines)} not delivered to ${where}: ${why}; see --spool`);
  }

  get #isOver(): boolean {
    return Date.now() >= this.#deadline || this.#failure !== undefined;
  }

  #endIn(ms: number): void {
    const deadline = Date.now() + ms;
    if (deadline >= this.#deadline) return;
    this.#deadline = deadline;
    clearTimeout(this.#ending);
    this.#ending = setTimeout(() => {
      this.#deadline = Number.NEGATIVE_INFINITY; // the timer may have fired early
      this.#changed();
    }, ms);
    this.#changed();
  }

  /** Resolves when a delivery ends or the timeout is over. */
  #nextChange(): Promise<void> {
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}
