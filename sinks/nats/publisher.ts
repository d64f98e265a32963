import type { Msg, MsgHdrs, NatsConnection, Subscription } from '@nats-io/transport-node';

/** One event on its way. */
export interface Message {
  subject: string;
  /** Nats-Msg-Id */
  id: string;
  data: Uint8Array;
}

/** Why a message was not stored: `passing` may be tried again; `unheard` of, where no stream took its subject. */
export interface Failure {
  reason: string;
  passing: boolean;
  unheard?: true;
}

export type Settle = (failure?: Failure) => void;

interface Sent {
  subject: string;
  at: number;
  settle: Settle;
}

/** No word of a message for so long (ms): it, or the word, is lost. */
const ackMs = 10_000;
const lost: Failure = { reason: 'the connection is lost', passing: true };
/** JetStream's errors that will not pass by themselves: the message is too large, or contradicts the stream's rules. */
const lasting = new Set([10054, 10049, 10052, 10060, 10071, 10073, 10109]);

/** Publishes to JetStream, with so many messages on their way at most, and tells what became of each. */
export class Publisher {
  /** Messages that the stream had already. */
  duplicates = 0;
  readonly #inbox: string;
  readonly #acks: Subscription;
  readonly #sent = new Map<string, Sent>(); // the oldest first
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
    this.#late = setInterval(() => this.#giveUp(), ackMs / 10);
  }

  /** There is room for another message; else wait for `room`. */
  get free(): boolean {
    return this.#sent.size < this.most;
  }

  room(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** `settle` is called once, now or later. */
  publish({ subject, id, data }: Message, settle: Settle): void {
    const token = (this.#number++).toString(36);
    this.headers.set('Nats-Msg-Id', id);
    this.#sent.set(token, { subject, at: Date.now(), settle });
    try {
      this.connection.publish(subject, data, { reply: this.#inbox + token, headers: this.headers });
    } catch (error) {
      const { message } = error as Error;
      this.#settle(token, { reason: message, passing: !/max_payload/.test(message) });
    }
  }

  /** The connection is gone: what was on its way may have arrived or not. */
  lost(): void {
    for (const token of this.#sent.keys()) this.#settle(token, lost);
  }

  /** The server does not let us publish to a subject. */
  forbidden(subject: string): void {
    const failure = { reason: `may not publish to ${subject}; check the permissions`, passing: false };
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
    if (!sent) return; // it was given up
    this.#settle(token, this.#failureOf(msg, sent.subject));
  }

  #failureOf(msg: Msg, subject: string): Failure | undefined {
    if (msg.headers?.code === 503) return { reason: `no responders for ${subject}`, passing: true, unheard: true };
    let answer: { error?: { err_code: number; description: string }; duplicate?: boolean; stream?: string };
    try {
      answer = JSON.parse(new TextDecoder().decode(msg.data));
    } catch {
      answer = {};
    }
    if (answer.duplicate) this.duplicates++;
    if (answer.stream && !answer.error) return undefined;
    const { err_code = 0, description = `${subject} was answered by another program` } = answer.error ?? {};
    return { reason: description, passing: !lasting.has(err_code) };
  }

  #giveUp(): void {
    const before = Date.now() - ackMs;
    for (const [token, { at }] of this.#sent) {
      if (at > before) return;
      this.#settle(token, { reason: 'no acknowledgement in time', passing: true });
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
