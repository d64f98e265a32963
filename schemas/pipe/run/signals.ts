/** After SIGTERM a stage ends when its input does, or has paused, or at last this long after. */
const pauseMs = 1_000;
const graceMs = 10_000;

/**
 * Ends a stage without losing what is already in its pipe. Ctrl-C reaches all the processes of a pipeline at once, so a
 * stage fed by a pipe takes its first SIGINT as word that the end of its input is near, and goes on until there. SIGTERM
 * likewise, and SIGHUP, which a terminal that goes away sends to all of them, but these do not wait for an input that has
 * paused. A second signal, or one without a pipe, stops at once.
 */
export class Signals {
  /** The signal that stopped the stage in the middle. */
  stopped: NodeJS.Signals | undefined;
  #asked = false;
  #ended = false;
  #paused: NodeJS.Timeout | undefined;
  #grace: NodeJS.Timeout | undefined;
  readonly #handlers: [NodeJS.Signals, () => void][];

  constructor(
    private readonly piped: boolean,
    private readonly leave: () => void,
    reopen?: () => void,
    /** Ends the stage by its own means; returns how long that may take (ms). */
    private readonly stop?: () => number,
    /** Called with the first signal that asks for the end. */
    private readonly asked?: () => void,
  ) {
    this.#handlers = [
      ['SIGINT', () => this.#ask('SIGINT')],
      ['SIGTERM', () => this.#ask('SIGTERM')],
    ];
    this.#handlers.push(['SIGHUP', reopen ?? (() => this.#ask('SIGHUP'))]);
    for (const [signal, handler] of this.#handlers) process.on(signal, handler);
  }

  /** Call when input has come: what comes shows that the pause is not here yet. */
  came(): void {
    this.#paused?.refresh();
  }

  /** Call at the end of input: a stage that goes on after it is then ended by its own `asked`. */
  ended(): void {
    this.#ended = true;
  }

  /** Lets go of the signals. */
  done(): void {
    clearTimeout(this.#paused);
    clearTimeout(this.#grace);
    for (const [signal, handler] of this.#handlers) process.off(signal, handler);
  }

  /** Dies of the signal that stopped the stage, if one has, since a blocked read would hold up an exit. */
  die(): void {
    this.done();
    if (this.stopped) process.kill(process.pid, this.stopped);
  }

  #ask(signal: NodeJS.Signals): void {
    const first = !this.#asked;
    this.#asked = true;
    if (first) this.asked?.();
    if (first && this.#ended && this.asked) return;
    if (!first || !this.piped) this.#stop(signal);
    else if (signal !== 'SIGINT') this.#waitForPause(signal);
  }

  #waitForPause(signal: NodeJS.Signals): void {
    this.#paused = setTimeout(() => this.#stop(signal), pauseMs);
    this.#grace = setTimeout(() => this.#stop(signal), graceMs);
  }

  #stop(signal: NodeJS.Signals): void {
    if (this.stopped) this.die(); // asked again: whatever still holds it up is given up
    this.stopped = signal;
    const needs = this.stop?.() ?? 0;
    this.leave();
    clearTimeout(this.#grace);
    this.#grace = setTimeout(() => this.die(), needs + pauseMs); // its reader may be stuck
  }
}
