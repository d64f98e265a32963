const firstMs = 200;
const lastMs = 30_000;

/** How long to wait before try `failures` + 1 (ms): doubles up to 30 s, at random between half of that and all of it. */
export function backoffMs(failures: number, random = Math.random): number {
  const most = Math.min(firstMs * 2 ** (failures - 1), lastMs);
  return most / 2 + (most / 2) * random();
}

/**
 * The moment before which nothing is sent, shared by all that send to one server, so that a server in trouble is not
 * tried by all of them at once.
 */
export class Backoff {
  #failures = 0;
  #until = 0;

  constructor(private readonly now = Date.now) {}

  /** How long to wait (ms). */
  get wait(): number {
    return Math.max(0, this.#until - this.now());
  }

  /** A try has failed; the server may have asked for some time. */
  failed(asked?: number): void {
    if (this.wait > 0 && asked === undefined) return; // one of those that were under way when it began
    this.#failures++;
    this.#until = this.now() + Math.max(asked ?? 0, backoffMs(this.#failures));
  }

  passed(): void {
    this.#failures = 0;
    this.#until = 0;
  }
}
