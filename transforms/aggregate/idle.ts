const longest = 3600e3; // ms; later wake-ups take several timers

/** Wakes a stage while its input is idle. */
export class IdleTimer {
  #timer: NodeJS.Timeout | undefined;

  /** Calls `wake` after `us` microseconds, or never if undefined. Replaces the previous timer. */
  after(us: number | undefined, wake: () => void): void {
    clearTimeout(this.#timer);
    if (us === undefined) return;
    this.#timer = setTimeout(wake, Math.min(Math.max(0, us / 1e3) + 1, longest));
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}
