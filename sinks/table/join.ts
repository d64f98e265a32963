import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { AgingMap } from '../../schemas/pipe/stage/aging-map.js';
import type { Row } from './writer.js';

const [id, host, ts] = [new LineField('id'), new LineField('host'), new LineField('ts')];

/** How many rows to hold back. */
const most = 10_000;
/** How long a row is held back, by the time of the events (ms): an attempt that still waits is reported after a second. */
const longest = 2_000;

/**
 * Joins the events of an attempt into one row, if the input has connect and outcome events: holds a connect event back until
 * the attempt's outcome or pending event comes, which is shown instead.
 */
export class AttemptJoiner {
  readonly #held = new AgingMap<string, { row: Row; second: number }>();
  #second = 0; // of the newest event, in ms
  #secondText = '';
  #hasEnds = false;
  #waits = true;

  /** How long to wait without input before `release` (ms): longer once it is known that outcomes come. */
  get patience(): number {
    return this.#hasEnds ? longest : 500;
  }

  get holds(): boolean {
    return this.#held.size > 0;
  }

  /** Returns whether an attempt is shown at once, so that its row need not be made for `take`. */
  passes(line: Line): boolean {
    if (line.type === 'connect') return !this.#waits;
    this.#hasEnds = this.#waits = true;
    return this.#held.size === 0;
  }

  /** Takes the row of an attempt. Returns the rows to show now. */
  take(line: Line, row: Row): Row[] {
    if (this.passes(line)) return [row];
    if (line.type !== 'connect') {
      this.#held.delete(key(line));
      this.#move(line);
      return [...this.#overdue(), row];
    }
    this.#move(line);
    this.#held.set(key(line), { row, second: this.#second });
    return this.#overdue();
  }

  /** Returns all rows held back: no input came for a while, or it has ended. */
  release(): Row[] {
    const rows = Array.from(this.#held.values(), ({ row }) => row);
    this.#held.clear();
    this.#waits = this.#hasEnds;
    return rows;
  }

  #overdue(): Row[] {
    const rows: Row[] = [];
    for (let oldest = this.#held.oldest; oldest !== undefined; oldest = this.#held.oldest) {
      const { row, second } = this.#held.get(oldest) as { row: Row; second: number };
      if (this.#held.size <= most && this.#second - second <= longest) break;
      this.#held.delete(oldest);
      rows.push(row);
    }
    if (rows.length > 0) this.#waits = this.#hasEnds;
    return rows;
  }

  /** Notes the time of an event, as a whole second. */
  #move(line: Line): void {
    const second = (line.text(ts) as string).slice(0, 19);
    if (second === this.#secondText) return;
    this.#secondText = second;
    this.#second = Math.max(this.#second, Date.parse(`${second}Z`));
  }
}

const key = (line: Line) => `${line.text(id)} ${line.text(host) ?? ''}`;
