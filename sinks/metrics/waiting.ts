import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import type { Group } from './group.js';

const most = 50_000;
/** An attempt that waits for longer (ms) has most likely ended, and its outcome was lost. */
const longestMs = 3_600_000;

const [id, host] = [new LineField('id'), new LineField('host')];

/** The attempts that wait: those with a pending event and no outcome yet. Beyond a number, the oldest are forgotten. */
export class Waiting {
  readonly #attempts = new AgingMap<string, { group: Group; since: number }>();

  /** Notes a pending event at a time (ms, monotonic). */
  start(line: Line, group: Group, now: number): void {
    group.hasAttempts = true;
    const key = idOf(line);
    this.#attempts.delete(key);
    this.#attempts.set(key, { group, since: now });
    if (this.#attempts.size > most) this.#attempts.delete(this.#attempts.oldest as string);
  }

  /** Notes an outcome. */
  end(line: Line): void {
    if (this.#attempts.size > 0) this.#attempts.delete(idOf(line));
  }

  /** Returns how many attempts of each group wait. Those of a group that has lost its place count in `other`. */
  count(other: Group, now: number): Map<Group, number> {
    const counts = new Map<Group, number>();
    for (const [key, { group, since }] of this.#attempts) {
      const to = group.gone ? other : group;
      if (now - since > longestMs) this.#attempts.delete(key);
      else counts.set(to, (counts.get(to) ?? 0) + 1);
    }
    return counts;
  }
}

/** Ids are unique only on one host. */
const idOf = (line: Line) => `${line.text(id)} ${line.text(host) ?? ''}`;
