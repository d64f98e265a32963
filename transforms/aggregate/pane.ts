import type { KeyBytes } from './bytes.js';
import { always } from './measure.js';
import { type Shape, Table } from './table.js';
import { Gauges } from './waiting.js';

/** What is missing: events, lines that were not valid, and attempts that are not tracked while they wait. */
export type Count = Record<'lost' | 'invalid' | 'untracked', number>;
/** The same: from `lost` events, from summaries, and of this stage itself. */
export type Missing = Record<'events' | 'summaries' | 'own', Count>;

export function nothingMissing(): Missing {
  const none = () => ({ lost: 0, invalid: 0, untracked: 0 });
  return { events: none(), summaries: none(), own: none() };
}

export function addMissing(to: Missing, from: Missing): void {
  for (const kind of ['events', 'summaries', 'own'] as const) {
    to[kind].lost += from[kind].lost;
    to[kind].invalid += from[kind].invalid;
    to[kind].untracked += from[kind].untracked;
  }
}

/** So many groups cost little: with no fewer, the largest few come out right. */
const fewest = 4096;

/** The groups of one stretch of time, never more than twice `most` (or a few thousand). */
export class Pane {
  /** µs of its first and last event. */
  least = Number.POSITIVE_INFINITY;
  largest = Number.NEGATIVE_INFINITY;
  /** Of no group are more than so many in `other`. */
  eachMax = 0;
  readonly missing = nothingMissing();
  readonly gauges = new Gauges();
  #floor = 0;

  private readonly most: number;

  constructor(
    public table: Table,
    most: number,
    private readonly spare: () => Table,
    private readonly free: (table: Table) => void,
  ) {
    this.most = Math.max(most, fewest);
  }

  /** An event of that time is part of it. */
  saw(ts: number): void {
    if (ts < this.least) this.least = ts;
    if (ts > this.largest) this.largest = ts;
  }

  /** The row of a key. */
  row(key: KeyBytes): number {
    const row = this.table.row(key, this.#floor);
    if (row <= 2 * this.most) return row;
    this.purge();
    return this.table.row(key, this.#floor);
  }

  /** Adds attempts that wait, to a pane whose window has been closed; without a key to `other`. */
  readonly wait = (key: KeyBytes | undefined, pending: number): void => {
    const row = key ? this.row(key) : 0; // which may replace the table
    this.table.add(row, always.pending, pending);
  };

  /** Counts gathered lines, as far as there are not too many groups. Returns how many lines. */
  add(gathered: Uint8Array, lines: number): number {
    return this.table.addGathered(gathered, lines, 2 * this.most, this.#floor);
  }

  /**
   * Leaves the `most` groups that may be the largest, and puts the others' numbers into `other` (Misra and Gries, with
   * many counters at once). A group that comes again begins at 0; what it may have had before is at most the floor, which
   * never passes the window's events / most.
   */
  purge(): void {
    const { table } = this;
    const weights = Float64Array.from({ length: table.rows - 1 }, (_, i) => weight(table, i + 1) + table.before(i + 1));
    if (weights.length <= this.most) return;
    const sorted = weights.slice().sort();
    const least = sorted[weights.length - this.most] as number;
    let ties = this.most - (weights.length - upper(sorted, least)); // how many of those that weigh just this may stay
    const smaller = this.spare();
    smaller.merge(table, (row) => {
      const mine = weights[row - 1] as number;
      const stays = mine > least || (mine === least && ties-- > 0);
      if (!stays) this.#floor = Math.max(this.#floor, mine);
      return stays;
    });
    this.free(table);
    this.table = smaller;
  }

  /** Adds another pane's groups. */
  merge(from: Pane): void {
    this.table.merge(from.table);
    if (this.table.rows > 2 * this.most) this.purge();
    this.least = Math.min(this.least, from.least);
    this.largest = Math.max(this.largest, from.largest);
    this.eachMax += from.bound;
    addMissing(this.missing, from.missing);
    this.gauges.merge(from.gauges);
  }

  /** Of no group are more than so many events in row 0. */
  get bound(): number {
    return this.eachMax + this.#floor;
  }
}

/** What a group is kept for. */
export function weight(table: Table, row: number): number {
  const [connects, outcomes, pending] = [always.connects, always.outcomes, always.pending];
  return Math.max(table.get(row, connects), table.get(row, outcomes), table.get(row, pending));
}

/** How many numbers are not above this one. */
function upper(sorted: Float64Array, number: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Tables that are used again, since each holds on to its memory. */
export class Tables {
  readonly #free: Table[] = [];
  constructor(readonly shape: Shape) {}

  readonly take = (): Table => this.#free.pop() ?? new Table(this.shape);
  readonly give = (table: Table): void => {
    table.clear();
    if (this.#free.length < 2) this.#free.push(table);
  };
}
