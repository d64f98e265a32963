import type { KeyBytes } from './bytes.js';
import { countColumns } from './measure.js';
import { Gauges } from './pending.js';
import { Table, type TableShape } from './table.js';

/** What is missing: lost events, invalid lines, and pending attempts that are not tracked. */
export type Missing = Record<'lost' | 'invalid' | 'untracked', number>;
/** The same by source: reported by `lost` events, by summaries, and by this stage itself. */
export type MissingBySource = Record<'events' | 'summaries' | 'own', Missing>;

export function nothingMissing(): MissingBySource {
  const none = () => ({ lost: 0, invalid: 0, untracked: 0 });
  return { events: none(), summaries: none(), own: none() };
}

export function addMissing(to: MissingBySource, from: MissingBySource): void {
  for (const kind of ['events', 'summaries', 'own'] as const) {
    to[kind].lost += from[kind].lost;
    to[kind].invalid += from[kind].invalid;
    to[kind].untracked += from[kind].untracked;
  }
}

/** The limit is at least this, which costs little, so that the few largest groups are right. */
const fewest = 4096;

/** The groups of one span of time: at most twice `most` groups (or a few thousand). */
export class Pane {
  /** The times of its first and last event, µs. */
  firstTime = Number.POSITIVE_INFINITY;
  lastTime = Number.NEGATIVE_INFINITY;
  /** `other` has at most this many events of any one group. */
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

  /** Records the time of an event in this pane. */
  noteTime(ts: number): void {
    if (ts < this.firstTime) this.firstTime = ts;
    if (ts > this.lastTime) this.lastTime = ts;
  }

  /** Returns the row of a key, which may be a new one. */
  row(key: KeyBytes): number {
    const row = this.table.row(key, this.#floor);
    if (row <= 2 * this.most) return row;
    this.purge();
    return this.table.row(key, this.#floor);
  }

  /** Adds pending attempts to a pane whose window has been closed. Without a key, adds them to `other`. */
  readonly addPending = (key: KeyBytes | undefined, pending: number): void => {
    const row = key ? this.row(key) : 0; // this may replace the table
    this.table.add(row, countColumns.pending, pending);
  };

  /** Counts gathered lines until there are too many groups. Returns the number of lines counted. */
  add(gathered: Uint8Array, lines: number): number {
    return this.table.addGathered(gathered, lines, 2 * this.most, this.#floor);
  }

  /**
   * Keeps the `most` groups that may be the largest, and adds the others to `other` (Misra and Gries, with many counters at
   * once). A group that comes again starts at 0. The count that it may have had before is at most the floor, and the floor
   * is at most the number of the window's events divided by `most`.
   */
  purge(): void {
    const { table } = this;
    const weights = Float64Array.from({ length: table.rows - 1 }, (_, i) => weight(table, i + 1) + table.before(i + 1));
    if (weights.length <= this.most) return;
    const sorted = weights.slice().sort();
    const least = sorted[weights.length - this.most] as number;
    let ties = this.most - (weights.length - upper(sorted, least)); // how many groups of exactly this weight may stay
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
    this.firstTime = Math.min(this.firstTime, from.firstTime);
    this.lastTime = Math.max(this.lastTime, from.lastTime);
    this.eachMax += from.bound;
    addMissing(this.missing, from.missing);
    this.gauges.merge(from.gauges);
  }

  /** The most events that a single group can have in row 0 (`other`). */
  get bound(): number {
    return this.eachMax + this.#floor;
  }
}

/** Returns the weight of a group. The groups with the largest weights are kept. */
export function weight(table: Table, row: number): number {
  const [connects, outcomes, pending] = [countColumns.connects, countColumns.outcomes, countColumns.pending];
  const attempts = Math.max(table.get(row, connects), table.get(row, outcomes), table.get(row, pending));
  const { closed, bytes } = table.shape;
  if (closed === undefined) return attempts;
  const hasBytes = bytes !== undefined && table.get(row, bytes) + table.get(row, bytes + 1) > 0;
  return Math.max(attempts, table.get(row, closed), Number(hasBytes));
}

/** Returns how many of the sorted numbers are not above `number`. */
function upper(sorted: Float64Array, number: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] as number) <= number) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** A pool of tables, which are used again because a table never releases its memory. */
export class Tables {
  readonly #free: Table[] = [];
  constructor(readonly shape: TableShape) {}

  readonly take = (): Table => this.#free.pop() ?? new Table(this.shape);
  readonly give = (table: Table): void => {
    table.clear();
    if (this.#free.length < 2) this.#free.push(table);
  };
}
