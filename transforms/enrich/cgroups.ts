import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { cgroup2 } from '../../schemas/pipe/io/machine.js';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';

/** How many cgroups are remembered, also after they are gone: the kernel does not use an ID twice. */
const maxKnown = 65_536;
/** Walks of the tree take at most 1/20 of the time. */
const walkShare = 20;
const shortestPauseMs = 20;

/** The paths of cgroups by ID, which is the inode number of the cgroup's folder. */
export class Cgroups {
  readonly #paths = new AgingMap<string, string>();
  #nextWalk = Number.NEGATIVE_INFINITY;

  constructor(private readonly root = cgroup2()) {}

  /**
   * Returns the path below the mount point. Returns undefined if the cgroup is gone, or if it is newer than the last walk:
   * the walks are limited.
   */
  path(id: string, now = performance.now()): string | undefined {
    if (!this.#paths.has(id) && this.root !== undefined && now >= this.#nextWalk) {
      const began = performance.now();
      this.#walk('/');
      const took = performance.now() - began;
      this.#nextWalk = now + Math.max(shortestPauseMs, took * walkShare);
    }
    return this.#paths.get(id);
  }

  #walk(path: string): void {
    const folder = join(this.root as string, path);
    let children: string[];
    try {
      const id = String(statSync(folder, { bigint: true }).ino);
      this.#paths.delete(id); // moves it to the end
      this.#paths.set(id, path);
      const entries = readdirSync(folder, { withFileTypes: true });
      children = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    } catch {
      return; // the cgroup has been removed
    }
    for (const child of children) this.#walk(join(path, child));
    if (this.#paths.size > maxKnown) this.#paths.delete(this.#paths.oldest as string);
  }
}
