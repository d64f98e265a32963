import { readFileSync, statSync } from 'node:fs';

const checkMs = 1_000;

/** A file that is read again when it has changed. It is checked at most once a second. */
export class WatchedFile {
  #checked = Number.NEGATIVE_INFINITY;
  #seen = ''; // as for a missing file

  /** @param paths the first of them that exists is read */
  constructor(private readonly paths: readonly string[]) {}

  /** Makes the next check look at the file, even if the last check was just now. */
  expire(): void {
    this.#checked = Number.NEGATIVE_INFINITY;
  }

  /** Returns the text if it may have changed, '' if the file is gone or cannot be read, and undefined if nothing changed. */
  changed(now: number): string | undefined {
    if (now - this.#checked < checkMs) return undefined;
    this.#checked = now;
    for (const path of this.paths) {
      const seen = stateOf(path);
      if (seen === undefined) continue;
      if (seen === this.#seen) return undefined;
      try {
        const text = readFileSync(path, 'utf8');
        this.#seen = seen;
        return text;
      } catch {} // the file has just been removed, or this user may not read it
    }
    if (this.#seen === '') return undefined;
    this.#seen = '';
    return '';
  }
}

/** Returns a text that changes when the file is replaced or written to, or undefined if it is missing. Follows links. */
function stateOf(path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [path, dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return undefined;
  }
}
