import { closeSync, type FSWatcher, fstatSync, openSync, type Stats, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { entries, olderParts, statOf, timedPart } from './names.js';

/** How often to look even if no change is reported (ms): not every file system reports changes. */
const checkMs = 500;

/** What comes after the end of a file: more of it, or an open file. `skip`: how many of its bytes to leave out. */
export type Next = { more: true } | { name: string; fd: number; skip: number; joins: boolean };

/**
 * Follows a file by name, as `tail -F` does: waits for more of it, and notices if it is replaced (renamed, then a new one made)
 * or truncated. The parts that were written meanwhile are found by their names (out.ndjson.1, out@TIME.ndjson), so a reader
 * that is slow misses nothing.
 */
export class Follower {
  /** The parts before the open one, by `markOf`. */
  readonly #known = new Set<string>();
  #watcher: FSWatcher | undefined;
  #changed = () => {};
  #left = false;

  constructor(private readonly path: string) {}

  /** Notes which parts there are, when the file is opened. */
  opened(): void {
    this.#known.clear();
    this.#note(this.#parts());
    for (const name of entries(dirname(this.path))) {
      const unnamed = /\.tmp$/.test(name) && timedPart(name.slice(0, -4)); // an archive whose file may be gone already
      if (unnamed) this.#known.add(unnamed);
    }
  }

  /** Waits until there may be something to read. Returns false after `leave()`. */
  async wait(): Promise<boolean> {
    if (this.#left) return false;
    this.#watch();
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#changed = resolve;
      timer = setTimeout(resolve, checkMs);
    });
    clearTimeout(timer);
    return !this.#left;
  }

  /** Returns what to read after the first `read` bytes of the open file; undefined if that is not known yet. */
  next(fd: number, read: number): Next | undefined {
    const own = fstatSync(fd);
    if (own.size > read) return { more: true };
    const isTruncated = own.isFile() && own.size < read;
    const now = statOf(this.path);
    const isSame = now !== undefined && idOf(now) === idOf(own);
    // Once the writer has begun a new file, it writes no more to this one. What it wrote before is there now.
    const isReplaced = !isSame && ((now?.size ?? 0) > 0 || this.#newParts(own).length > 0);
    if (!isTruncated && !isReplaced) return undefined;
    if (fstatSync(fd).size > read) return { more: true };
    const file = this.#open(own);
    return file && { name: file.name, fd: file.fd, skip: isTruncated && file.isPart ? read : 0, joins: isTruncated };
  }

  /** Opens what was written after this file: the oldest part that is newer, or else the file that is followed. */
  #open(own: Stats): { name: string; fd: number; isPart: boolean } | undefined {
    for (let tries = 0; tries < 100; tries++) {
      const parts = this.#parts();
      const part = this.#newParts(own, parts)[0];
      const name = part?.path ?? this.path;
      const fd = openedNow(name);
      if (fd === undefined) continue; // renamed or compressed since
      const id = idOf(fstatSync(fd));
      if (part ? id === idOf(part.stat) : this.#newParts(own).every(({ stat }) => idOf(stat) === id)) {
        if (part) this.#note(parts.slice(0, parts.indexOf(part) + 1));
        else this.opened();
        return { name, fd, isPart: part !== undefined };
      }
      closeSync(fd);
    }
    return undefined;
  }

  leave(): void {
    this.#left = true;
    this.#changed();
    this.close();
  }

  close(): void {
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  /** Returns the parts that were made after this one, which is open, oldest first. */
  #newParts(own: Stats, parts = this.#parts()): Part[] {
    const at = parts.findIndex(({ stat }) => idOf(stat) === idOf(own));
    if (at >= 0) return parts.slice(at + 1);
    // Was it compressed? An archive has the time of its file.
    const archived = parts.findIndex(
      ({ path, stat }) => /\.(gz|zst)$/.test(path) && Math.abs(stat.mtimeMs - own.mtimeMs) < 0.01,
    );
    return parts.slice(archived + 1).filter((part) => !this.#known.has(markOf(part)));
  }

  #note(parts: readonly Part[]): void {
    for (const part of parts) this.#known.add(markOf(part));
  }

  #parts(): Part[] {
    const folder = dirname(this.path);
    return olderParts(basename(this.path), entries(folder)).flatMap((name) => {
      const path = this.path.includes('/') ? join(folder, name) : name;
      const stat = statOf(path);
      return stat?.isFile() ? [{ path, stat }] : [];
    });
  }

  #watch(): void {
    if (this.#watcher) return;
    try {
      this.#watcher = watch(dirname(this.path), () => this.#changed()).on('error', () => this.close());
    } catch {} // the timer remains
  }
}

interface Part {
  path: string;
  stat: Stats;
}

const idOf = ({ dev, ino }: Stats) => `${dev}:${ino}`;

/** Returns what a part stays known by. A time in its name stays if it is compressed, and an inode may be used for a new file. */
const markOf = ({ path, stat }: Part) => timedPart(basename(path)) ?? idOf(stat);

function openedNow(path: string): number | undefined {
  try {
    return openSync(path, 'r');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
