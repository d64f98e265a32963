import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/transport-node';

/** An event to publish. */
export interface Message {
  subject: string;
  /** Nats-Msg-Id */
  id: string;
  data: Uint8Array;
}

/** Why a message was not stored. With `temporary` it can be retried; `noStream` means that no stream accepted its subject. */
export interface Failure {
  reason: string;
  temporary: boolean;
  noStream?: true;
}

export type Settle = (failure?: Failure) => void;

interface InFlight {
  subject: string;
  at: number;
  settle: Settle;
}

/** After this time (ms) without an acknowledgement, the message or its acknowledgement counts as lost. */
const ackMs = 10_000;
const lost: Failure = { reason: 'the connection is lost', temporary: true };
/** Permanent errors of JetStream: the message is too large, or violates the stream's rules. */
const permanent = new Set([10054, 10049, 10052, 10060, 10071, 10073, 10109]);

/** Publishes to JetStream with at most `most` unacknowledged messages, and reports the result of each one. */
export class Publisher {
  /** How many messages the stream had already. */
  duplicates = 0;
  readonly #inbox: string;
  readonly #acks: Subscription;
  readonly #sent = new Map<string, InFlight>(); // oldest first
  readonly #waiting: (() => void)[] = [];
  readonly #late: NodeJS.Timeout;
  #number = 0;

  constructor(
    private readonly connection: NatsConnection,
    private readonly most: number,
    inbox: string,
    private readonly headers: MsgHdrs,
  ) {
    this.#inbox = `${inbox}.`;
    this.#acks = connection.subscribe(`${inbox}.*`, { callback: (_, msg) => this.#answered(msg) });
    this.#late = setInterval(() => this.#failLate(), ackMs / 10);
  }

  /** Whether there is room for another message. If not, wait for `room`. */
  get free(): boolean {
    return this.#sent.size < this.most;
  }

  room(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Publishes a message. `settle` is called once with the result, now or later. */
  publish({ subject, id, data }: Message, settle: Settle): void {
    const token = (this.#number++).toString(36);
    this.headers.set('Nats-Msg-Id', id);
    this.#sent.set(token, { subject, at: Date.now(), settle });
    try {
      this.connection.publish(subject, data, { reply: this.#inbox + token, headers: this.headers });
    } catch (error) {
      const { message } = error as Error;
      this.#settle(token, { reason: message, temporary: !/max_payload/.test(message) });
    }
  }

  /** Settles all messages in flight after the connection was lost: it is unknown whether they arrived. */
  lost(): void {
    for (const token of this.#sent.keys()) this.#settle(token, lost);
  }

  /** Settles the messages for a subject that the server does not permit. */
  forbidden(subject: string): void {
    const failure = { reason: `no permission to publish to ${subject}; check the permissions`, temporary: false };
    for (const [token, sent] of this.#sent) if (sent.subject === subject) this.#settle(token, failure);
  }

  close(): void {
    clearInterval(this.#late);
    this.lost();
    this.#acks.unsubscribe();
  }

  #answered(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length);
    const sent = this.#sent.get(token);
    if (!sent) return; // it timed out before
    this.#settle(token, this.#failureOf(msg, sent.subject));
  }

  #failureOf(msg: Msg, subject: string): Failure | undefined {
    if (msg.headers?.code === 503) return { reason: `no responders for ${subject}`, temporary: true, noStream: true };
    let answer: { error?: { err_code: number; description: string }; duplicate?: boolean; stream?: string };
    try {
      answer = JSON.parse(new TextDecoder().decode(msg.data));
    } catch {
      answer = {};
    }
    if (answer.duplicate) this.duplicates++;
    if (answer.stream && !answer.error) return undefined;
    const { err_code = 0, description = `${subject} was answered by another program` } = answer.error ?? {};
    return { reason: description, temporary: !permanent.has(err_code) };
  }

  #failLate(): void {
    const before = Date.now() - ackMs;
    for (const [token, { at }] of this.#sent) {
      if (at > before) return;
      this.#settle(token, { reason: 'no acknowledgement in time', temporary: true });
    }
  }

  #settle(token: string, failure?: Failure): void {
    const sent = this.#sent.get(token);
    if (!sent) return;
    this.#sent.delete(token);
    sent.settle(failure);
    this.#waiting.shift()?.();
  }
}
