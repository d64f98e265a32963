import { toUSVString } from 'node:util';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { sourcesOf } from '../../schemas/pipe/line/virtual.js';
import { Group, otherText } from './group.js';

/** After this time (ms) without an event, a group gives up its place if another one needs it. */
export const idleMs = 10 * 60_000;

/** How many recently used keys are known by their bytes, which is faster; a power of 2. */
const cached = 4096;
/** Longer keys are not. */
const longest = 512;
const separator = 10;

interface Cached {
  group: Group;
  key: Buffer;
}

/**
 * Finds the group of an event. The first `most` groups get a place. Another one counts in `other`, until a group that has been
 * idle for `idleMs` gives up its place to it.
 */
export class Groups {
  readonly other: Group;
  /** The time of the current event (ms, monotonic). */
  now = 0;
  readonly #fields: readonly LineField[][];
  readonly #groups = new Map<string, Group>();
  readonly #cache: (Cached | undefined)[] = new Array(cached);
  readonly #key = Buffer.alloc(longest);
  /** No group is idle before this time. */
  #noneIdleBefore = 0;

  constructor(
    names: readonly string[],
    private readonly most: number,
  ) {
    this.#fields = names.map((name) => sourcesOf(name).map((source) => new LineField(source)));
    const labels = names.map(() => otherText);
    this.other = new Group(labels, Date.now());
    this.#groups.set(JSON.stringify(labels), this.other); // a process may be called other: one series cannot have two counts
  }

  /** The groups that have a place, and `other`. */
  get all(): Iterable<Group> {
    return this.#groups.values();
  }

  get size(): number {
    return this.#groups.size - 1;
  }

  /** Returns the group of an event. */
  of(line: Line): Group {
    const length = this.#readKey(line);
    const key = this.#key;
    const slot = hash(key, length) & (cached - 1);
    const known = this.#cache[slot];
    if (known && length > 0 && !known.group.gone && same(known.key, key, length)) {
      known.group.usedAt = this.now;
      return known.group;
    }
    const group = this.#find(line);
    group.usedAt = this.now;
    if (length > 0 && group !== this.other) this.#cache[slot] = { group, key: Buffer.from(key.subarray(0, length)) };
    return group;
  }

  /** Reads the values of the labels as they are in the line. Returns their length; 0 if they are too long. */
  #readKey(line: Line): number {
    const key = this.#key;
    let to = 0;
    for (const sources of this.#fields) {
      for (const source of sources) {
        if (!line.locate(source)) continue;
        const { raw, from, to: end } = line;
        if (to + end - from >= longest) return 0;
        for (let at = from; at < end; at++) key[to++] = raw[at] as number;
        break;
      }
      key[to++] = separator;
    }
    return to;
  }

  #find(line: Line): Group {
    const labels = this.#fields.map((sources) => labelText(line, sources));
    const key = JSON.stringify(labels);
    const known = this.#groups.get(key);
    if (known) return known;
    if (this.size >= this.most && !this.#free()) return this.other;
    const group = new Group(labels, Date.now());
    this.#groups.set(key, group);
    return group;
  }

  /** Takes the place of the group that has been idle for longest. Returns false if it has not been idle for long enough. */
  #free(): boolean {
    if (this.now < this.#noneIdleBefore) return false;
    let [oldest, of]: [Group, string] = [this.other, ''];
    for (const [key, group] of this.#groups) {
      if (group !== this.other && (oldest === this.other || group.usedAt < oldest.usedAt)) [oldest, of] = [group, key];
    }
    this.#noneIdleBefore = oldest.usedAt + idleMs;
    if (this.now < this.#noneIdleBefore) return false;
    oldest.gone = true;
    return this.#groups.delete(of);
  }
}

/** Returns the text of a label: a missing field and an empty text are the same for Prometheus. */
function labelText(line: Line, sources: readonly LineField[]): string {
  for (const source of sources) {
    if (!line.locate(source)) continue;
    return toUSVString(line.text(source) ?? line.raw.toString('utf8', line.from, line.to));
  }
  return '';
}

function hash(bytes: Uint8Array, length: number): number {
  let hash = 0;
  for (let at = 0; at < length; at++) hash = Math.imul(hash ^ (bytes[at] as number), 0x9e3779b1);
  return (hash ^ (hash >>> 15)) >>> 0;
}

function same(known: Uint8Array, key: Uint8Array, length: number): boolean {
  if (known.length !== length) return false;
  for (let at = 0; at < length; at++) if (known[at] !== key[at]) return false;
  return true;
}
