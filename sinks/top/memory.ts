import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** How much garbage may collect (bytes). V8 itself would wait for 8 MiB. */
const mostGarbage = 1 << 20;
/** A small new space, and an optimizing compiler that inlines no functions: it would need 2 MiB more. */
const flags = [
  '--semi-space-growth-factor=1',
  '--optimize-for-size',
  '--max-inlined-bytecode-size-cumulative=0',
  '--expose-gc',
];

/**
 * Keeps this process small: it makes much garbage that is soon gone, and keeps little. A V8 that does not know a flag ignores
 * it.
 */
export class Memory {
  #collect = () => {};
  #kept = 0; // bytes after the last collection

  start(): void {
    for (const flag of flags) setFlagsFromString(flag);
    this.#collect = runInNewContext('gc');
  }

  /** Collects garbage if there is much. That takes about 10 ms. */
  check(): void {
    if (getHeapStatistics().used_heap_size < this.#kept + mostGarbage) return;
    this.#collect();
    this.#kept = getHeapStatistics().used_heap_size;
  }
}
