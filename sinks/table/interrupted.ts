import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyEvent } from '../../schemas/pipe/line/line.js';
import { RunSummary } from '../../schemas/pipe/terminal/run-summary.js';

/**
 * How long to wait at the end of the input for a Ctrl-C, which ends the programs before this one too: the end of their output may
 * arrive before the signal (ms).
 */
const pauseMs = 50;

/** Sums up what was shown, if Ctrl-C ended the input. */
export class Interrupted {
  readonly #summary = new RunSummary();
  #at: number | undefined;

  add(event: AnyEvent): void {
    this.#summary.add(event);
  }

  /** Notes that Ctrl-C was pressed. */
  now(): void {
    this.#at ??= Date.now();
  }

  /** Returns a sentence for the last line of the output; undefined if the input has ended by itself. */
  async text(): Promise<string | undefined> {
    if (this.#at === undefined) await sleep(pauseMs);
    return this.#at === undefined ? undefined : this.#summary.text(this.#at);
  }
}
