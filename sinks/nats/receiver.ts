import { hostname } from 'node:os';
import type { NatsConnection } from '@nats-io/transport-node';
import { Link } from '../../schemas/nats/link.js';
import type { Reach } from '../../schemas/nats/options.js';
import { counted } from '../../schemas/pipe/io/fd.js';
import { Line } from '../../schemas/pipe/line/line.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { OutageReporter } from '../../schemas/pipe/run/outage-reporter.js';
import { splitLines } from '../spool/lines.js';
import type { RejectPolicy } from '../spool/reject.js';
import type { Receiver, Tally } from '../spool/stage.js';
import type { Batch } from '../spool/store.js';
import { Identity } from './identity.js';
import { type Failure, type Message, Publisher } from './publisher.js';
import { isWithoutStream, type NewStream, prepare } from './stream.js';
import type { Subject } from './subject.js';

export interface NatsReceiverOptions {
  command: string;
  /** The servers, for messages. */
  where: string;
  reach: Reach;
  subject: Subject;
  /** The maximum number of unacknowledged messages. */
  inFlight: number;
  stream: NewStream | undefined;
}

interface Failed {
  message: Message;
  failure: Failure;
}

/** Delivers batches to JetStream. Each event is a message, and is stored once the message is acknowledged. */
export class NatsReceiver implements Receiver {
  readonly #link: Link;
  readonly #identity = new Identity(hostname());
  readonly #line = Object.assign(new Line(), { lenient: true }); // the stage has checked what it delivers
  #publisher: Publisher | undefined;
  #previous: Promise<void> = Promise.resolve();

  private constructor(
    private readonly options: NatsReceiverOptions,
    private readonly trouble: OutageReporter,
    private readonly rejects: RejectPolicy,
    private readonly stop: AbortSignal,
  ) {
    this.#link = new Link(options.command, options.reach, trouble, stop);
  }

  /** Resolves after the first attempt to connect. Throws RuntimeError if retrying cannot help. */
  static async open(
    options: NatsReceiverOptions,
    trouble: OutageReporter,
    rejects: RejectPolicy,
    stop: AbortSignal,
  ): Promise<NatsReceiver> {
    const receiver = new NatsReceiver(options, trouble, rejects, stop);
    stop.addEventListener('abort', () => receiver.#publisher?.lost(), { once: true });
    await receiver.#link.open({
      prepare: (connection) => receiver.#prepare(connection),
      lost: () => receiver.#publisher?.lost(),
      forbidden: (subject) => receiver.#publisher?.forbidden(subject),
    });
    return receiver;
  }

  /** Delivers a batch. Batches are sent in the order of the calls; only messages that must be sent again arrive later. */
  async deliver(batch: Batch, tally: Tally): Promise<void> {
    const before = this.#previous;
    let done = () => {};
    this.#previous = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await this.#deliver(batch, tally, before, done);
    } finally {
      done();
    }
  }

  /** Waits for `turn` before it sends, and calls `sent` once all messages were sent for the first time. */
  async #deliver(batch: Batch, tally: Tally, turn: Promise<void>, sent: () => void): Promise<void> {
    let left = this.#messages(batch.id, await batch.read());
    await turn;
    while (left.length > 0) {
      await this.trouble.wait(this.stop);
      const failed = await this.#send(left, tally, sent);
      this.stop.throwIfAborted();
      left = [];
      const reasons = new Map<string, string | undefined>(); // by subject, if no stream accepted it
      for (const { message, failure } of failed) {
        const { subject } = message;
        const known = failure.noStream && reasons.has(subject);
        const reason = known ? reasons.get(subject) : await this.#permanentReason(message, failure);
        if (failure.noStream) reasons.set(subject, reason);
        if (reason === undefined) left.push(message);
        else {
          this.rejects.take([Buffer.from(message.data)], reason);
          tally.rejected++;
        }
      }
      const temporary = failed.find(({ message }) => message === left[0]);
      if (temporary) this.trouble.failed(temporary.failure.reason);
    }
    this.trouble.passed();
  }

  reopen(): Promise<void> {
    return this.#link.reread();
  }

  async close(): Promise<void> {
    this.#publisher?.close();
    const already = this.#publisher?.duplicates ?? 0;
    if (already > 0)
      logMessage(this.options.command, `the stream already had ${counted(already)}; each is stored only once`);
    await this.#link.close();
  }

  async #prepare(connection: NatsConnection): Promise<void> {
    const { where, subject, stream, inFlight } = this.options;
    await prepare({ where, connection, stop: this.stop }, subject.wildcard, stream);
    const { createInbox, headers } = await import('../../schemas/nats/nats-client.js');
    this.#publisher?.close();
    this.#publisher = new Publisher(connection, inFlight, createInbox(), headers());
  }

  #messages(batch: string, bytes: Buffer): Message[] {
    return splitLines(bytes).map((data, at): Message => {
      this.#line.take(data, 0, data.length); // it is known to be valid
      return { subject: this.options.subject.of(this.#line), id: this.#identity.of(this.#line, batch, at), data };
    });
  }

  /** Sends messages and waits for the result of each one. Resolves to those that were not stored. */
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

  /** Waits until a message can be published. Returns the current publisher. */
  async #room(): Promise<Publisher> {
    for (;;) {
      if (!this.#link.up) await this.#link.ready();
      else if ((this.#publisher as Publisher).free) return this.#publisher as Publisher;
      else await this.#publisher?.room();
    }
  }

  /** Returns why a message will never be stored; undefined if retrying may help. */
  async #permanentReason({ subject }: Message, { reason, temporary, noStream }: Failure): Promise<string | undefined> {
    if (!temporary) return reason;
    if (!noStream) return undefined;
    const { where } = this.options;
    try {
      const connection = await this.#link.ready();
      return (await isWithoutStream({ where, connection, stop: this.stop }, subject))
        ? `no stream accepts ${subject}`
        : undefined;
    } catch {
      return undefined; // the cluster is unavailable: retry
    }
  }
}
