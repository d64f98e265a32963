import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSession, type Session } from 'better-sse';
import { Line } from '../../schemas/pipe/line/line.js';
import type { Ring } from './ring.js';
import type { PageState, State } from './state.js';

/** The maximum number of lines per message, and of unsent bytes before a slow browser has to wait. */
const batch = 2_000;
const unsentMost = 4 << 20;
/** How many lines to examine before other work gets a turn. */
const slice = 5_000;

/** Separates the lines of a message. JSON never contains this character unescaped. */
const separator = '\x1e';

export type LineFilter = (line: Line) => boolean;

/** Sends the ring's lines to one open page, each line once, as fast as the page accepts them. */
export class Feed {
  #session: Session | undefined;
  #next: number;
  readonly #existing: number;
  #sentState = '';
  readonly #line = new Line();

  constructor(
    private readonly ring: Ring,
    private readonly response: ServerResponse,
    private readonly keep: LineFilter | undefined,
    /** The number of the first line to send. */
    from: number,
  ) {
    this.#next = from;
    this.#existing = ring.next;
  }

  /** Whether there are lines that are not sent to the page yet. */
  get behind(): boolean {
    return this.#session?.isConnected === true && this.#next < this.ring.next;
  }

  async open(request: IncomingMessage): Promise<void> {
    this.#session = await createSession(request, this.response, {
      serializer: String,
      retry: 1_000,
      headers: { 'X-Accel-Buffering': 'no' },
    });
  }

  /** Sends new lines and the state if it has changed. Returns whether there is more that could be sent at once. */
  send(state: State): boolean {
    if (!this.#session?.isConnected) return false;
    if (this.response.writableLength < unsentMost) {
      if (this.#next < this.ring.first) this.#skip(this.#session, state.run);
      this.#sendLines(this.#session, state.run);
    }
    // Tells the page when it has all lines that existed when it connected.
    const report = { ...state, complete: this.#next >= this.#existing };
    const text = JSON.stringify(report);
    if (text !== this.#sentState) {
      const sent: PageState = { ...report, now: Date.now() };
      this.#push(this.#session, JSON.stringify(sent), 'state', state.run);
    }
    this.#sentState = text;
    return this.behind && this.response.writableLength < unsentMost;
  }

  close(): void {
    this.response.end();
  }

  /** Skips to the start of the ring. A slow page misses the lines before that, except those of pending attempts. */
  #skip(session: Session, run: string): void {
    const { first, pending } = this.ring;
    const lines = pending.between(this.#next, first).filter((bytes) => this.#wanted(bytes));
    const missed = this.#next > 0;
    this.#next = first;
    if (missed) this.#push(session, JSON.stringify([...pending.keys()]), 'waiting', run);
    if (lines.length > 0) this.#push(session, lines.map(textOf).join(separator), 'lines', run);
  }

  #sendLines(session: Session, run: string): void {
    const chosen: string[] = [];
    const ended: string[] = []; // attempts whose outcome the filter hides from the page
    const end = Math.min(this.ring.next, this.#next + slice);
    for (; this.#next < end && chosen.length < batch; this.#next++) {
      const bytes = this.ring.at(this.#next) as Buffer;
      if (this.#wanted(bytes)) chosen.push(textOf(bytes));
      else if (this.ring.endedAt(this.#next) !== undefined) ended.push(this.ring.endedAt(this.#next) as string);
    }
    if (chosen.length > 0) this.#push(session, chosen.join(separator), 'lines', run);
    if (ended.length > 0) this.#push(session, JSON.stringify(ended), 'ended', run);
  }

  #push(session: Session, data: string, event: string, run: string): void {
    session.push(data, event, `${run}.${this.#next}`);
  }

  #wanted(bytes: Buffer): boolean {
    if (!this.keep) return true;
    this.#line.take(bytes, 0, bytes.length);
    return this.keep(this.#line);
  }
}

/** Returns a line as text. Carriage returns, which JSON allows between tokens, would end the message's line. */
const textOf = (bytes: Buffer) => bytes.toString().replaceAll('\r', ' ');
