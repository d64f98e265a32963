import { connectionTypes } from '../../schemas/attempts.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { countOf, hasFailed, keyOf, Tally } from './group.js';
import { Groups } from './groups.js';
import { Waiting } from './waiting.js';

const [stage, where, count] = [new LineField('stage'), new LineField('where'), new LineField('count')];

/** What is counted in a run. */
export class Counts {
  readonly groups: Groups;
  readonly waiting = new Waiting();
  /** Events lost, by `stage` and `where`. */
  readonly lost = new Tally();

  constructor(names: readonly string[], most: number) {
    this.groups = new Groups(names, most);
  }

  /** Adds an event that is read at `now` (ms, monotonic). Returns whether it counts. */
  add(line: Line, now: number): boolean {
    const { groups, waiting } = this;
    const { type } = line;
    groups.now = now;
    if (type === 'outcome') {
      waiting.end(line);
      groups.of(line).outcome(line);
    } else if (connectionTypes.includes(type)) groups.of(line).connection(line);
    else if (type === 'pending') waiting.start(line, groups.of(line), now);
    else if (type === 'dns' && hasFailed(line)) groups.of(line).failedLookup(line);
    else if (type === 'lost') this.addLost(line.text(stage) ?? '', line.text(where) ?? '', countOf(line, count));
    else return false;
    return true;
  }

  addLost(stage: string, where: string, count: number): void {
    this.lost.add(keyOf(stage, where), count);
  }
}
