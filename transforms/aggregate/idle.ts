const longest = 3600e3; // ms; a timer for later is set anew

/** Wakes a stage while its input is idle. */
export class Idle {
  #timer: NodeJS.Timeout | undefined;

  /** Calls `wake` after so many µs; never if undefined. Replaces what was set before. */
  after(us: number | undefined, wake: () => void): void {
    clearTimeout(this.#timer);
    if (us === undefined) return;
    this.#timer = setTimeout(wake, Math.min(Math.max(0, us / 1e3) + 1, longest));
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
