import { hostname } from 'node:os';
import type { NatsConnection } from '@nats-io/transport-node';
import { Link } from '../../schemas/nats/link.js';
import type { Reach } from '../../schemas/nats/options.js';
import { counted } from '../../schemas/pipe/io/fd.js';
import { Line } from '../../schemas/pipe/line/line.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import { cut } from '../spool/lines.js';
import type { RejectPolicy } from '../spool/reject.js';
import type { Receiver, Tally } from '../spool/stage.js';
import type { Batch } from '../spool/store.js';
import { Identity } from './identity.js';
import { type Failure, type Message, Publisher } from './publisher.js';
import { type NewStream, prepare, untaken } from './stream.js';
import type { Subject } from './subject.js';

export interface Way {
  command: string;
  /** The servers, for messages. */
  where: string;
  reach: Reach;
  subject: Subject;
  /** How many messages are on their way at once. */
  inFlight: number;
  stream: NewStream | undefined;
}

interface Failed {
  message: Message;
  failure: Failure;
}

/** Streams of JetStream, as a receiver of batches: an event is a message, and stored once that is acknowledged. */
export class NatsReceiver implements Receiver {
  readonly #link: Link;
  readonly #identity = new Identity(hostname());
  readonly #line = new Line();
  #publisher: Publisher | undefined;
  #turn: Promise<void> = Promise.resolve();

  private constructor(
    private readonly way: Way,
    private readonly trouble: OutageReporter,
    private readonly rejects: RejectPolicy,
    private readonly stop: AbortSignal,
  ) {
    this.#link = new Link(way.command, way.reach, trouble, stop);
  }

  /** Resolves once it was tried to connect. Throws RuntimeError where trying again is in vain. */
  static async open(
    way: Way,
    trouble: OutageReporter,
    rejects: RejectPolicy,
    stop: AbortSignal,
  ): Promise<NatsReceiver> {
    const receiver = new NatsReceiver(way, trouble, rejects, stop);
    stop.addEventListener('abort', () => receiver.#publisher?.lost(), { once: true });
    await receiver.#link.open({
      prepare: (connection) => receiver.#prepare(connection),
      lost: () => receiver.#publisher?.lost(),
      forbidden: (subject) => receiver.#publisher?.forbidden(subject),
    });
    return receiver;
  }

  /** Batches go out one behind the other, in the order of the calls; only what has to be sent again may be overtaken. */
  async deliver(batch: Batch, tally: Tally): Promise<void> {
    const before = this.#turn;
    let done = () => {};
    this.#turn = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await this.#deliver(batch, tally, before, done);
    } finally {
      done();
    }
  }

  /** `sent` is called when all has been sent for the first time, after `turn`. */
  async #deliver(batch: Batch, tally: Tally, turn: Promise<void>, sent: () => void): Promise<void> {
    let left = this.#messages(batch.id, await batch.read());
    await turn;
    while (left.length > 0) {
      await this.trouble.wait(this.stop);
      const failed = await this.#send(left, tally, sent);
      this.stop.throwIfAborted();
      left = [];
      const reasons = new Map<string, string | undefined>(); // of subjects that none took
      for (const { message, failure } of failed) {
        const { subject } = message;
        const known = failure.unheard && reasons.has(subject);
        const reason = known ? reasons.get(subject) : await this.#refusal(message, failure);
        if (failure.unheard) reasons.set(subject, reason);
        if (reason === undefined) left.push(message);
        else {
          this.rejects.take([Buffer.from(message.data)], reason);
          tally.refused++;
        }
      }
      const passing = failed.find(({ message }) => message === left[0]);
      if (passing) this.trouble.failed(passing.failure.reason);
    }
    this.trouble.passed();
  }

  reopen(): Promise<void> {
    return this.#link.reread();
  }

  async close(): Promise<void> {
    this.#publisher?.close();
    const already = this.#publisher?.duplicates ?? 0;
    if (already > 0) logMessage(this.way.command, `the stream had ${counted(already)} already; it keeps each once`);
    await this.#link.close();
  }

  async #prepare(connection: NatsConnection): Promise<void> {
    const { where, subject, stream, inFlight } = this.way;
    await prepare({ where, connection, stop: this.stop }, subject.wildcard, stream);
    const { createInbox, headers } = await import('@nats-io/transport-node');
    this.#publisher?.close();
    this.#publisher = new Publisher(connection, inFlight, createInbox(), headers());
  }

  #messages(batch: string, bytes: Buffer): Message[] {
    return cut(bytes).map((data, at): Message => {
      this.#line.take(data, 0, data.length); // it is valid
      return { subject: this.way.subject.of(this.#line), id: this.#identity.of(this.#line, batch, at), data };
    });
  }

  /** Sends all, and waits until it is known what became of each. Resolves to those that were not stored. */
  async #send(messages: readonly Message[], tally: Tally, sent: () => void): Promise<Failed[]> {
    const failed: Failed[] = [];
    let open = messages.length;
    let all = () => {};
    const settled = new Promise<void>((resolve) => {
      all = resolve;
    });
    for (const message of messages) {
      const publisher = await this.#room();
      publisher.publish(message, (failure) => {
        if (failure) failed.push({ message, failure });
        else tally.stored++;
        if (--open === 0) all();
      });
    }
    sent();
    await settled;
    return failed;
  }

  /** Waits until a message may be published. */
  async #room(): Promise<Publisher> {
    for (;;) {
      if (!this.#link.up) await this.#link.ready();
      else if ((this.#publisher as Publisher).free) return this.#publisher as Publisher;
      else await this.#publisher?.room();
    }
  }

  /** Why a message will never be stored; undefined where it may be. */
  async #refusal({ subject }: Message, { reason, passing, unheard }: Failure): Promise<string | undefined> {
    if (!passing) return reason;
    if (!unheard) return undefined;
    const { where } = this.way;
    try {
      const connection = await this.#link.ready();
      return (await untaken({ where, connection, stop: this.stop }, subject))
        ? `no stream takes ${subject}`
        : undefined;
    } catch {
      return undefined; // a cluster in trouble
    }
  }
}
