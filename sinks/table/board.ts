import type { Summary } from '../../schemas/generated/events.js';
import { count } from '../../schemas/pipe/terminal/human.js';
import { width } from '../../schemas/pipe/terminal/shorten.js';
import type { Clock } from '../terminal/clock.js';
import type { Column } from './column.js';
import { fitting, fittingRow, type PaintCell } from './layout.js';
import { remarks, summaryColumns } from './summaries.js';

/** The maximum number of groups to keep: more than any terminal has lines. */
const mostGroups = 2_000;

/** The groups of the newest window of one kind of summaries: of attempts, or of look-ups. */
export class Board {
  #window = { ts: '', end: '' };
  #groups: Summary[] = [];
  #all = 0;
  #total = 0;
  #pending = 0;

  constructor(
    private readonly what: 'attempt' | 'look-up',
    private readonly clock: Clock,
  ) {}

  get isEmpty(): boolean {
    return this.#window.ts === '';
  }

  /** Adds a group. Returns whether it is of the newest window. */
  add(event: Summary): boolean {
    if (event.ts < this.#window.ts) return false;
    if (event.ts > this.#window.ts) {
      this.#window = event;
      this.#groups = [];
      [this.#all, this.#total, this.#pending] = [0, 0, 0];
    }
    this.#groups.push(event);
    if (!event.other) this.#all++;
    this.#total += event.count;
    this.#pending += event.pending ?? 0;
    if (this.#groups.length > 2 * mostGroups) this.#groups = largest(this.#groups).slice(0, mostGroups);
    return true;
  }

  /** Returns how many lines it takes to show everything. */
  get height(): number {
    return this.isEmpty ? 0 : 2 + this.#groups.length;
  }

  /** Returns the line above the table. */
  head(lost: number): string {
    return [
      `${this.clock.dateAndTime(this.#window.ts)} to ${this.clock.time(this.#window.end)}`,
      plural(this.#all, 'group'),
      plural(this.#total, this.what),
      ...(this.#pending > 0 ? [`${count(this.#pending)} pending`] : []),
      ...(lost > 0 ? [`${count(lost)} LOST`] : []),
    ].join(', ');
  }

  /** Returns the heading and the largest groups, at most `lines` lines. */
  table(lines: number, columns: number, heading: PaintCell, cell: PaintCell): string[] {
    const groups = largest(this.#groups).slice(0, Math.max(0, lines - 1));
    const by = [...new Set(this.#groups.flatMap((event) => event.by.split(',')))].join(',');
    const time = (ts: string) => this.clock.time(ts);
    const [, ...all] = summaryColumns(Object.assign({}, ...this.#groups, { by }), time); // without the time of the window
    const texts = groups.map((event) => all.map(({ text }) => text(event)));
    const sizes = all.map((_, at) => Math.max(0, ...texts.map((row) => width(row[at] as string))));
    const hasRemarks = (sizes.at(-1) ?? 0) > 0;
    const placed = fitting(
      all.map((column, at) => sized(column, sizes[at] as number)).slice(0, hasRemarks ? undefined : -1),
      columns,
    );
    const titles = all.map(({ title }) => title);
    return [fittingRow(placed, titles, heading), ...texts.map((row) => fittingRow(placed, row, cell))];
  }
}

/** Fits the widths of a column to its content. Numbers and the causes of failures are not cut before columns are left out. */
function sized(column: Column<Summary>, content: number): Column<Summary> {
  const ideal = column.text === remarks ? content : Math.max(column.ideal, content);
  return { ...column, ideal, min: column.right || column.text === remarks ? ideal : Math.min(column.min, ideal) };
}

const plural = (number: number, what: string) => `${count(number)} ${what}${number === 1 ? '' : 's'}`;

/** Sorts groups, those with pending attempts first: they matter most, and seldom have the most attempts. */
function largest(groups: Summary[]): Summary[] {
  return groups.sort(
    (a, b) => Number(a.other ?? 0) - Number(b.other ?? 0) || (b.pending ?? 0) - (a.pending ?? 0) || b.count - a.count,
  );
}
