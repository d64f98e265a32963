import { setTimeout as sleep } from 'node:timers/promises';
import { logMessage } from '../messages/log.js';
import { Backoff } from './backoff.js';

/** A server that fails now and then is told of no more often than this. */
const quietMs = 60_000;

/** What a server fails with: told when it begins and when it is over; the next try waits a while after each failure. */
export class OutageReporter {
  /** What the last try failed with, while there is trouble. */
  reason = '';
  /** How many tries have failed. */
  failures = 0;
  readonly #backoff = new Backoff();
  #reportedAt = Number.NEGATIVE_INFINITY;
  #isReported = false;

  constructor(
    private readonly command: string,
    /** The server's address, without what may be secret in it. */
    private readonly where: string,
  ) {}

  /** A try has failed; the server may have asked for some time (ms). */
  failed(reason: string, asked?: number): void {
    if (this.reason === '' && Date.now() - this.#reportedAt > quietMs) {
      logMessage(this.command, `${this.where}: ${reason}; trying again`);
      this.#reportedAt = Date.now();
      this.#isReported = true;
    }
    this.reason = reason;
    this.failures++;
    this.#backoff.failed(asked);
  }

  passed(): void {
    if (this.#isReported) logMessage(this.command, `${this.where}: goes on`);
    this.#isReported = false;
    this.reason = '';
    this.#backoff.passed();
  }

  /** Waits until the next try may be made. Rejects when `stop` says so. */
  async wait(stop: AbortSignal): Promise<void> {
    while (this.#backoff.wait > 0) await sleep(this.#backoff.wait, undefined, { signal: stop });
  }
}
