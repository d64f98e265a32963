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
  /** How many events to ask for at once; at most twice as many wait to be read. */
  batch: number;
  /** End after so many. */
  count: number;
  /** End when none has come for so long (ms). */
  idle?: number | undefined;
}

/** How long a request for events holds, and how often the server says that it still does (ms). */
const expires = 30_000;
const heartbeat = 2_000;
/** How long the last words to the server may take (ms). */
const farewellMs = 3_000;
const newline = 10;
/** The stages may hold so many batches, and so many bytes, before no more is asked for. */
const mostBatchesHeld = 32;
const mostBytesHeld = 64 << 20;

/**
 * Events from a durable consumer, as lines. They are acknowledged when all stages have let go of them (`released`). What
 * is not acknowledged comes again, to this worker or another.
 */
export class NatsSource implements Source {
  readonly piped = true; // the first signal ends it by itself, see `asked`
  readonly #trouble: OutageReporter;
  readonly #stop = new AbortController();
  readonly #link: Link;
  #consumer: Consumer | undefined;
  #queue: JsMsg[] = [];
  #at = 0; // queue[0..at) is given
  #offset = 0; // so many bytes of queue[at] are given
  #given: JsMsg[][] = []; // and not acknowledged, by read
  #givenCount = 0;
  #givenBytes = 0;
  #released = 0; // so many reads are acknowledged
  #left: number; // to be asked for
  #started = false;
  #ended = false; // gives no more
  #leaving = false; // gives back what comes
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

  /** Gives back what was not written, so that another worker gets it at once. */
  async end(well: boolean): Promise<void> {
    clearInterval(this.#working);
    this.#ended = true;
    this.#leaving = true;
    if (well) this.#acknowledge(this.#given.length);
    for (const message of [...this.#given.flat(), ...this.#queue.slice(this.#at)]) message.nak();
    this.#drained();
    if (this.#link.up) {
      const connection = await this.#link.ready();
      await Promise.race([connection.drain(), sleep(farewellMs, undefined, { ref: false })]).catch(() => {}); // what is unsaid comes again
    }
    this.#stop.abort();
    await this.#link.close();
  }

  get #held(): boolean {
    return this.#at < this.#queue.length;
  }

  /** There is nothing more to give. What was begun is given to its end. */
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

  /** Takes events from the server whenever there is room for them. */
  async #pull(): Promise<void> {
    try {
      while (!this.#ended && this.#left > 0) {
        await this.#trouble.wait(this.#stop.signal);
        await this.#link.ready();
        await this.#room();
        if (this.#ended) return; // what the server sends to a request that nobody reads comes again only after --ack-wait
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
      callback: (message: JsMsg) => this.#take(message), // at once, so that at the end none is in between
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

  /** Whether the consumer is still there. Throws RuntimeError where it is not. */
  async #check(): Promise<void> {
    try {
      await sameConsumer(await manager(await this.#link.ready()), this.settings);
    } catch (error) {
      if (error instanceof RuntimeError) throw error; // else it goes on trying
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
      if (length === into.length) break; // its newline has no room
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

  /** Acknowledges what the oldest reads gave. */
  #acknowledge(reads: number): void {
    for (const message of this.#given.splice(0, reads).flat()) {
      message.ack();
      this.#givenCount--;
      this.#givenBytes -= message.data.length;
    }
    this.#drained();
  }

  /** A slow reader is no reason to give the events to another worker too. */
  #stillHere(): void {
    if (!this.#link.up) return;
    for (const message of this.#given.flat()) message.working();
    for (let at = this.#at; at < this.#queue.length; at++) this.#queue[at]?.working();
  }

  /** Nothing has come for so long. Throws RuntimeError where nothing could. */
  #idled(): void {
    const { reason } = this.#trouble;
    if (reason) throw new RuntimeError(`${this.settings.where}: ${reason}; that is why nothing came`);
    this.#ended = true;
  }

  #fails(error: unknown): void {
    this.#failure ??= error;
    this.#changed();
  }

  /** Waits until fewer events are unread, and the stages hold fewer. */
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

  /** Resolves when something has come or happened; to false where nothing has for so long (ms). */
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
