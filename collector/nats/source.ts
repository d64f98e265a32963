import { setTimeout as sleep } from 'node:timers/promises';
import type { Consumer, FetchOptions, JsMsg } from '@nats-io/jetstream';
import { manager } from '../../schemas/nats/jetstream.js';
import { Link } from '../../schemas/nats/link.js';
import type { Reach } from '../../schemas/nats/options.js';
import type { Source } from '../../schemas/pipe/io/source.js';
import { cause, RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import { consumerOf, sameConsumer, type Wanted } from './consumer.js';

export interface Settings extends Wanted {
  reach: Reach;
  /** How many events to request at once; at most twice as many wait to be read. */
  batch: number;
  /** Stop after this many events. */
  count: number;
  /** Stop when no event has come for this time (ms). */
  idle?: number | undefined;
}

/** How long a request for events is valid, and how often the server confirms that it still is (ms). */
const expires = 30_000;
const heartbeat = 2_000;
/** How long the last messages to the server may take (ms). */
const farewellMs = 3_000;
const newline = 10;
/** No more events are requested while the stages hold more batches or bytes than this. */
const mostBatchesHeld = 32;
const mostBytesHeld = 64 << 20;

/**
 * Reads events from a durable consumer, as lines. Each is acknowledged when all stages have released it (`released`). An event
 * that is not acknowledged is delivered again, to this worker or another one.
 */
export class NatsSource implements Source {
  readonly piped = true; // it ends by itself after the first signal, see `asked`
  readonly #trouble: OutageReporter;
  readonly #stop = new AbortController();
  readonly #link: Link;
  #consumer: Consumer | undefined;
  #queue: JsMsg[] = [];
  #at = 0; // queue[0..at) has been returned
  #offset = 0; // bytes of queue[at] that have been returned
  #given: JsMsg[][] = []; // returned and not acknowledged yet, by read
  #givenCount = 0;
  #givenBytes = 0;
  #released = 0; // reads that are acknowledged
  #left: number; // events still to request
  #started = false;
  #ended = false; // returns no more events
  #leaving = false; // gives back events that arrive
  #gone = false;
  #failure: unknown;
  #changed = () => {};
  #drained = () => {};
  #working: NodeJS.Timeout | undefined;

  constructor(private readonly settings: Settings) {
    const { command, where, reach, count } = settings;
    this.#trouble = new OutageReporter(command, where);
    this.#link = new Link(command, reach, this.#trouble, this.#stop.signal);
    this.#left = count;
  }

  async read(into: Buffer): Promise<number> {
    if (!this.#started) await this.#start();
    const { idle } = this.settings;
    while (!this.#held && !this.#over && !this.#gone) {
      if (this.#failure) throw this.#failure;
      if (!(await this.#change(idle))) this.#idled();
    }
    if (this.#gone) return -1;
    return this.#over ? 0 : this.#fill(into);
  }

  released(reads: number): void {
    this.#acknowledge(reads - this.#released);
    this.#released = reads;
  }

  held(): number {
    return this.#queue.length - this.#at;
  }

  asked(): void {
    this.#ended = true;
    this.#changed();
  }

  leave(): void {
    this.#gone = true;
    this.#changed();
  }

  async release(): Promise<boolean> {
    return true; // no thread is blocked
  }

  /** Gives back the events that were not written, so that another worker gets them at once. */
  async end(well: boolean): Promise<void> {
    clearInterval(this.#working);
    this.#ended = true;
    this.#leaving = true;
    if (well) this.#acknowledge(this.#given.length);
    for (const message of [...this.#given.flat(), ...this.#queue.slice(this.#at)]) message.nak();
    this.#drained();
    if (this.#link.up) {
      const connection = await this.#link.ready();
      await Promise.race([connection.drain(), sleep(farewellMs, undefined, { ref: false })]).catch(() => {}); // the server delivers again what it does not learn of
    }
    this.#stop.abort();
    await this.#link.close();
  }

  get #held(): boolean {
    return this.#at < this.#queue.length;
  }

  /** Whether there is nothing more to return. An event that was started is returned to its end. */
  get #over(): boolean {
    return this.#offset === 0 && (this.#ended || (this.#left === 0 && !this.#held));
  }

  async #start(): Promise<void> {
    this.#started = true;
    const { stream, durable } = this.settings;
    await this.#link.open({
      prepare: async (connection) => {
        this.#consumer = await consumerOf(await manager(connection), this.settings);
        const { ack_wait = 30e9 } = (await this.#consumer.info(true)).config; // ns
        this.#working = setInterval(() => this.#stillHere(), ack_wait / 1e6 / 3);
      },
      lost: () => {},
      forbidden: (subject) => {
        if (subject.startsWith('$JS.API.CONSUMER.MSG.NEXT.'))
          this.#fails(new RuntimeError(`may not take events from ${durable} of ${stream}; check the permissions`));
      },
    });
    this.#pull();
  }

  /** Requests events from the server whenever there is room for them. */
  async #pull(): Promise<void> {
    try {
      while (!this.#ended && this.#left > 0) {
        await this.#trouble.wait(this.#stop.signal);
        await this.#link.ready();
        await this.#room();
        if (this.#ended) return; // if nobody reads the response to a request, its events come again only after --ack-wait
        await this.#fetch(this.#consumer as Consumer);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) this.#fails(error);
    }
  }

  async #fetch(consumer: Consumer): Promise<void> {
    const messages = await consumer.fetch({
      max_messages: Math.min(this.settings.batch, this.#left),
      expires,
      idle_heartbeat: heartbeat,
      callback: (message: JsMsg) => this.#take(message), // called at once, so that no message is in between at the end
    } as FetchOptions);
    const error = await messages.closed();
    if (this.#ended) return;
    if (!error) {
      if (this.#trouble.reason) this.#trouble.passed();
      return;
    }
    this.#trouble.failed(cause(error));
    await this.#trouble.wait(this.#stop.signal);
    await this.#check();
  }

  #take(message: JsMsg): void {
    if (this.#leaving) message.nak();
    else {
      this.#queue.push(message);
      this.#left--;
      this.#changed();
    }
  }

  /** Checks that the consumer still exists. Throws RuntimeError if it does not. */
  async #check(): Promise<void> {
    try {
      await sameConsumer(await manager(await this.#link.ready()), this.settings);
    } catch (error) {
      if (error instanceof RuntimeError) throw error; // on any other error, keep trying
    }
  }

  #fill(into: Buffer): number {
    let length = 0;
    const given: JsMsg[] = [];
    while (this.#held && length < into.length) {
      const message = this.#queue[this.#at] as JsMsg;
      const { data } = message;
      const rest = data.subarray(this.#offset, this.#offset + into.length - length);
      into.set(rest, length);
      length += rest.length;
      this.#offset += rest.length;
      if (length === into.length) break; // no room for the newline
      if (data.at(-1) !== newline) into[length++] = newline;
      this.#offset = 0;
      this.#at++;
      given.push(message);
      this.#givenBytes += data.length;
      if (this.#ended) break;
    }
    this.#given.push(given);
    this.#givenCount += given.length;
    if (this.#at > this.settings.batch / 2) {
      this.#queue = this.#queue.slice(this.#at);
      this.#at = 0;
    }
    this.#drained();
    return length;
  }

  /** Acknowledges the events that the oldest reads returned. */
  #acknowledge(reads: number): void {
    for (const message of this.#given.splice(0, reads).flat()) {
      message.ack();
      this.#givenCount--;
      this.#givenBytes -= message.data.length;
    }
    this.#drained();
  }

  /** Keeps the server from giving the events to another worker too, only because the reader is slow. */
  #stillHere(): void {
    if (!this.#link.up) return;
    for (const message of this.#given.flat()) message.working();
    for (let at = this.#at; at < this.#queue.length; at++) this.#queue[at]?.working();
  }

  /** Ends it, since no event has come for the time of --idle. Throws RuntimeError if the server cannot be reached. */
  #idled(): void {
    const { reason } = this.#trouble;
    if (reason) throw new RuntimeError(`${this.settings.where}: ${reason}; this is why no events came`);
    this.#ended = true;
  }

  #fails(error: unknown): void {
    this.#failure ??= error;
    this.#changed();
  }

  /** Waits until there is room: fewer events are unread, and the stages hold fewer. */
  async #room(): Promise<void> {
    const { batch } = this.settings;
    const full = () =>
      this.#queue.length - this.#at > batch ||
      this.#givenCount > mostBatchesHeld * batch ||
      this.#givenBytes > mostBytesHeld;
    while (!this.#ended && full()) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve;
      });
    }
  }

  /** Resolves to true when something has arrived or happened; to false if nothing has within `most` ms. */
  #change(most: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = most === undefined ? undefined : setTimeout(resolve, most, false);
      this.#changed = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
