import { setTimeout as sleep } from 'node:timers/promises';
import { logMessage } from '../messages/log.js';
import { Backoff } from './backoff.js';

/** The shortest time between two reports about a server that fails now and then. */
const quietMs = 60_000;

/** Reports when a server starts to fail and when it works again, and delays the next attempt after each failure. */
export class OutageReporter {
  /** Why the last attempt failed; empty while the server works. */
  reason = '';
  /** How many attempts have failed. */
  failures = 0;
  readonly #backoff = new Backoff();
  #reportedAt = Number.NEGATIVE_INFINITY;
  #isReported = false;

  constructor(
    private readonly command: string,
    /** The server's address, without secrets. */
    private readonly where: string,
  ) {}

  /** Notes a failed attempt. `asked` is the delay that the server requested (ms). */
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
    if (this.#isReported) logMessage(this.command, `${this.where}: working again`);
    this.#isReported = false;
    this.reason = '';
    this.#backoff.passed();
  }

  /** Waits until the next attempt may be made. Rejects if `stop` is aborted. */
  async wait(stop: AbortSignal): Promise<void> {
    while (this.#backoff.wait > 0) await sleep(this.#backoff.wait, undefined, { signal: stop });
  }
}
