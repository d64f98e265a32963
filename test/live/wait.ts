import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until `check` returns something. The time-out only stops a test that would never end. */
export async function until<T>(
  what: string,
  check: () => T | undefined | false | null,
  seconds = 90,
): Promise<NonNullable<T>> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const found = check();
    if (found !== undefined && found !== false && found !== null) return found as NonNullable<T>;
    if (Date.now() > end) throw new Error(`timed out waiting: ${what}`);
    await sleep(15);
  }
}
