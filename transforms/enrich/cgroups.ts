import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';

/** So many cgroups that are gone are remembered: the kernel does not give an id twice. */
const mostKnown = 65_536;
/** A walk of the tree may take one part in so many of the time. */
const share = 20;
const shortestPauseMs = 20;

/** Where this machine's cgroup v2 tree is mounted; undefined where it is not. */
export function mountPoint(mountinfo = readFileSync('/proc/self/mountinfo', 'utf8')): string | undefined {
  for (const line of mountinfo.split('\n')) {
    const fields = line.split(' ');
    if (fields[fields.indexOf('-') + 1] !== 'cgroup2') continue;
    return fields[4]?.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
  }
  return undefined;
}

/** The paths of cgroups by their ids, which are their folders' inode numbers. */
export class Cgroups {
  readonly #paths = new AgingMap<string, string>();
  #nextWalk = Number.NEGATIVE_INFINITY;

  constructor(private readonly root = mountPoint()) {}

  /** The path below the mount point. Undefined where it is gone, or has come since the last walk, which are few. */
  path(id: string, now = performance.now()): string | undefined {
    if (!this.#paths.has(id) && this.root !== undefined && now >= this.#nextWalk) {
      const began = performance.now();
      this.#walk('/');
      const took = performance.now() - began;
      this.#nextWalk = now + Math.max(shortestPauseMs, took * share);
    }
    return this.#paths.get(id);
  }

  #walk(path: string): void {
    const folder = join(this.root as string, path);
    let children: string[];
    try {
      const id = String(statSync(folder, { bigint: true }).ino);
      this.#paths.delete(id); // so that it comes last again
      this.#paths.set(id, path);
      const entries = readdirSync(folder, { withFileTypes: true });
      children = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));
    } catch {
      return; // gone meanwhile
    }
    for (const child of children) this.#walk(join(path, child));
    if (this.#paths.size > mostKnown) this.#paths.delete(this.#paths.oldest as string);
  }
}
