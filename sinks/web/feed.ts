import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSession, type Session } from 'better-sse';
import { Line } from '../../schemas/pipe/line/line.js';
import type { Ring } from './ring.js';

/** Lines a message holds at most, and unsent bytes at which a slow browser has to wait. */
const batch = 2_000;
const unsentMost = 4 << 20;
/** Lines looked at in one go: between two such, other work gets its turn. */
const slice = 5_000;

/** Between the lines of a message: no JSON text has it unescaped. */
const separator = '\x1e';

export type Keep = (line: Line) => boolean;

/** What a page is told beside the lines. */
export interface State {
  /** Tells one run of sink-web from the next, for a page that finds it again. */
  run: string;
  /** Attempt events that came, whether they are still kept or not. */
  total: number;
  /** Events that the stream says were lost on the way here. */
  lost: number;
  keep: number;
  ended: boolean;
  /** Waiting attempts are recent: the page counts their time by the clock, not by the newest event. */
  live: boolean;
}

/** One page that is open: sends it the ring's lines, each once, as fast as it takes them. */
export class Feed {
  #session: Session | undefined;
  #next: number;
  #told = '';
  readonly #line = new Line();

  constructor(
    private readonly ring: Ring,
    private readonly response: ServerResponse,
    private readonly keep: Keep | undefined,
    /** The number of the first line it still wants. */
    from: number,
  ) {
    this.#next = from;
  }

  /** Whether lines wait for it to take them. */
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

  /** Sends what is new. Returns whether there is more that could go at once. */
  send(state: State): boolean {
    if (!this.#session?.isConnected) return false;
    if (this.response.writableLength < unsentMost) {
      if (this.#next < this.ring.first) this.#skip(this.#session, state.run);
      this.#lines(this.#session, state.run);
    }
    const told = JSON.stringify(state);
    if (told !== this.#told) {
      this.#push(this.#session, JSON.stringify({ ...state, now: Date.now() }), 'state', state.run);
    }
    this.#told = told;
    return this.behind && this.response.writableLength < unsentMost;
  }

  close(): void {
    this.response.end();
  }

  /** Continues where the ring begins. A slow page misses the lines before it, except those of attempts that still wait. */
  #skip(session: Session, run: string): void {
    const { first, waiting } = this.ring;
    const lines = waiting.between(this.#next, first).filter((bytes) => this.#wanted(bytes));
    const missed = this.#next > 0;
    this.#next = first;
    if (missed) this.#push(session, JSON.stringify([...waiting.keys()]), 'waiting', run);
    if (lines.length > 0) this.#push(session, lines.map(textOf).join(separator), 'lines', run);
  }

  #lines(session: Session, run: string): void {
    const chosen: string[] = [];
    const ended: string[] = []; // of these the page does not get the outcome
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

/** A line as a message has it: a carriage return, which may stand between tokens, would end it there. */
const textOf = (bytes: Buffer) => bytes.toString().replaceAll('\r', ' ');
