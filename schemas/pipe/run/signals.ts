/** After SIGTERM a stage ends at the end of its input, when the input pauses this long, or after this much time (ms). */
const pauseMs = 1_000;
const graceMs = 10_000;

/** What signals make the stages do; false if there is nothing to do. */
export interface SignalHandlers {
  /** Stops reading. */
  leave(): void;
  /** SIGHUP: reopens files. */
  reopen: false | (() => void);
  /** Asks the stages to stop. Returns how long that may take (ms). */
  stop: false | (() => number);
  /** The first signal that asks to end. */
  asked: false | (() => void);
}

/**
 * Handles signals: ends a stage without losing what is already in its pipe. Ctrl-C reaches all processes of a pipeline at
 * once. So on the first SIGINT, a stage that reads from a pipe continues until the end of its input, which comes soon. The
 * same holds for SIGTERM, and for SIGHUP, which all processes get when their terminal closes; but after these, a pause in
 * the input also ends the stage. A second signal, or any signal if the input is not a pipe, stops it at once.
 */
export class Signals {
  /** The signal that stopped the stage before the end of its input. */
  stopped: NodeJS.Signals | undefined;
  #asked = false;
  #ended = false;
  #paused: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  readonly #handlers: [NodeJS.Signals, () => void][];

  constructor(
    private readonly piped: boolean,
    private readonly on: SignalHandlers,
  ) {
    this.#handlers = [
      ['SIGINT', () => this.#ask('SIGINT')],
      ['SIGTERM', () => this.#ask('SIGTERM')],
    ];
    this.#handlers.push(['SIGHUP', on.reopen || (() => this.#ask('SIGHUP'))]);
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
  }

  /** Call this when input arrives: the input has not paused. */
  came(): void {
    this.#paused?.refresh();
  }

  /** Call this at the end of input. A stage that continues after it ends by its `asked`. */
  ended(): void {
    this.#ended = true;
  }

  /** Removes the signal handlers. */
  done(): void {
    clearTimeout(this.#paused);
    clearTimeout(this.#grace);
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }

  /** Dies from the signal that stopped the stage, if there is one: a blocked read would delay an exit. */
  die(): void {
    this.done();
    if (this.stopped) process.kill(process.pid, this.stopped);
  }

  #ask(signal: NodeJS.Signals): void {
    const first = !this.#asked;
    this.#asked = true;
    if (first && this.on.asked) {
      this.on.asked();
      if (this.#ended) return;
    }
    if (!first || !this.piped) this.#stop(signal);
    else if (signal !== 'SIGINT') this.#waitForPause(signal);
  }

  #waitForPause(signal: NodeJS.Signals): void {
    this.#paused = setTimeout(() => this.#stop(signal), pauseMs);
    this.#grace = setTimeout(() => this.#stop(signal), graceMs);
  }

  #stop(signal: NodeJS.Signals): void {
    if (this.stopped) this.die(); // another signal: stop waiting for anything
    this.stopped = signal;
    clearTimeout(this.#paused);
    this.#paused = undefined; // the end of input must not start it again
    const needs = this.on.stop ? this.on.stop() : 0;
    this.on.leave();
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => this.die(), needs + pauseMs); // the reader may be stuck
  }
}
