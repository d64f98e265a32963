const firstMs = 200;
const lastMs = 30_000;

/** Returns how long to wait (ms) after this many failures: doubles up to 30 s, with a random factor from 1/2 to 1. */
export function backoffMs(failures: number, random = Math.random): number {
  const most = Math.min(firstMs * 2 ** (failures - 1), lastMs);
  return most / 2 + (most / 2) * random();
}

/**
 * The time before which nothing is sent. All senders to one server share it, so that they do not all retry a failing server
 * at once.
 */
export class Backoff {
  #failures = 0;
  #until = 0;

  constructor(private readonly now = Date.now) {}

  /** How long to wait now (ms). */
  get wait(): number {
    return Math.max(0, this.#until - this.now());
  }

  /** Notes a failed attempt. `asked` is the delay that the server requested (ms). */
  failed(asked?: number): void {
    if (this.wait > 0 && asked === undefined) return; // this one was under way when the waiting started
    this.#failures++;
    this.#until = this.now() + Math.max(asked ?? 0, backoffMs(this.#failures));
  }

  passed(): void {
    this.#failures = 0;
    this.#until = 0;
  }
}
