import { readFileSync, statSync } from 'node:fs';

const checkMs = 1_000;

/** A file that is read again when it has changed: looked at once a second at most. */
export class Watched {
  #checked = Number.NEGATIVE_INFINITY;
  #seen = ''; // like a file that is not there

  /** @param paths the first of them that exists is read */
  constructor(private readonly paths: readonly string[]) {}

  /** Looks at the file at the next check, however short the last one is ago. */
  expire(): void {
    this.#checked = Number.NEGATIVE_INFINITY;
  }

  /** Returns its text if it may be new, '' if it is gone or cannot be read; undefined if nothing has changed. */
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
      } catch {} // gone meanwhile, or not for this user
    }
    if (this.#seen === '') return undefined;
    this.#seen = '';
    return '';
  }
}

/** What differs once another file is there, or it was written to; undefined if there is none. Follows links. */
function stateOf(path: string): string | undefined {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
    return [path, dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch {
    return undefined;
  }
}
