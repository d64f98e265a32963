import { setTimeout as sleep } from 'node:timers/promises';
import { say } from '../messages/say.js';
import { Gate } from './gate.js';

/** A server that fails now and then is told of no more often than this. */
const quietMs = 60_000;

/** What a server fails with: told when it begins and when it is over; the next try waits a while after each failure. */
export class Trouble {
  /** What the last try failed with, while there is trouble. */
  reason = '';
  /** How many tries have failed. */
  failures = 0;
  readonly #gate = new Gate();
  #told = Number.NEGATIVE_INFINITY;
  #isTold = false;

  constructor(
    private readonly command: string,
    /** The server's address, without what may be secret in it. */
    private readonly where: string,
  ) {}

  /** A try has failed; the server may have asked for some time (ms). */
  failed(reason: string, asked?: number): void {
    if (this.reason === '' && Date.now() - this.#told > quietMs) {
      say(this.command, `${this.where}: ${reason}; trying again`);
      this.#told = Date.now();
      this.#isTold = true;
    }
    this.reason = reason;
    this.failures++;
    this.#gate.failed(asked);
  }

  passed(): void {
    if (this.#isTold) say(this.command, `${this.where}: goes on`);
    this.#isTold = false;
    this.reason = '';
    this.#gate.passed();
  }

  /** Waits until the next try may be made. Rejects when `stop` says so. */
  async wait(stop: AbortSignal): Promise<void> {
    while (this.#gate.wait > 0) await sleep(this.#gate.wait, undefined, { signal: stop });
  }
}
