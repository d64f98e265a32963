import { Line } from '../../schemas/pipe/line/line.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import type { Predicate } from '../../schemas/where/on.js';
import { fieldsText, type GroupField } from './key.js';
import type { Measures, WindowInfo } from './measure.js';
import { type Order, sorted } from './order.js';
import { weight } from './pane.js';
import type { WindowSets } from './sets.js';
import type { Table } from './table.js';
import type { ClosedWindow } from './windows.js';
import { SummaryWriter } from './write.js';

export interface EmitOptions {
  /** How many groups of a window are written. The others are added up in the group `other`. */
  most: number;
  orderBy: Order | undefined;
  /** Only groups that match are written. */
  having: Predicate | undefined;
  /** Which events count as attempts. If undefined, connect events once there was one, else outcomes. */
  count: 'connect' | 'outcome' | undefined;
  /** Whether a rate is per window length, instead of per time from the window's first event to its last. */
  every: boolean;
}

/** A window that is being written. */
interface WindowInProgress {
  closed: ClosedWindow;
  window: WindowInfo;
  rows: Uint32Array;
  /** The index of the first row that has not been written yet. */
  next: number;
}

/** Writes the summaries of closed windows. */
export class Emitter {
  /** Whether the input has summaries. If so, losses are taken from them, because `lost` events repeat the same losses. */
  summaries = false;
  readonly by: string;
  readonly #writer: SummaryWriter;
  readonly #line = new Line();
  readonly #step: number;
  #firstConnect = Number.POSITIVE_INFINITY;
  #inProgress: WindowInProgress | undefined;

  constructor(
    private readonly windows: WindowSets,
    private readonly measures: Measures,
    fields: readonly GroupField[],
    private readonly options: EmitOptions,
  ) {
    this.by = fieldsText(fields);
    this.#step = fields.find(({ step }) => step > 0)?.step ?? 0;
    this.#writer = new SummaryWriter(fields, measures);
  }

  /** Records the time of a connect event. */
  noteConnect(time: number): void {
    if (time < this.#firstConnect) this.#firstConnect = time;
  }

  /** Writes closed windows, or all windows with `all`, until the output is full. Returns whether there may be more. */
  write(out: Output, all: boolean): boolean {
    while (!out.full) {
      if (!this.#inProgress) {
        const closed = this.windows.next(all);
        if (!closed) return false;
        this.#inProgress = this.#begin(closed);
      }
      this.#writeWindow(this.#inProgress, out);
    }
    return true;
  }

  #begin(closed: ClosedWindow): WindowInProgress {
    const { pane, start, end } = closed;
    const { every, count } = this.options;
    const window: WindowInfo = {
      start,
      end,
      span: this.#step || (every ? end - start : pane.lastTime - pane.firstTime),
      counts: count ?? (this.#firstConnect < end ? 'connect' : 'outcome'),
    };
    return { closed, window, rows: this.#rows(closed, window), next: 0 };
  }

  #writeWindow(inProgress: WindowInProgress, out: Output): void {
    const { closed, window, rows } = inProgress;
    const { pane } = closed;
    const { table } = pane;
    const pieces = this.#writer.pieces(window);
    while (inProgress.next < rows.length) {
      if (out.full) return;
      if (pieces) inProgress.next += putLines(table.lines(pieces, rows.subarray(inProgress.next)), out);
      if (inProgress.next === rows.length) break;
      const { buffer, length } = this.#writer.row(table, rows[inProgress.next++] as number, window);
      out.bytes(buffer, 0, length);
    }
    const { events, summaries, own } = pane.missing;
    const reported = this.summaries ? summaries : events;
    const missing = {
      lost: reported.lost + own.lost,
      invalid: reported.invalid + own.invalid,
      untracked: summaries.untracked + own.untracked,
    };
    if (weight(table, 0) + missing.lost + missing.invalid + missing.untracked > 0) {
      const { buffer, length } = this.#writer.row(table, 0, window, { missing, eachMax: pane.bound });
      out.bytes(buffer, 0, length);
    }
    this.windows.release(closed);
    this.#inProgress = undefined;
  }

  /** Returns the rows to write, in order. Adds the others to `other`. */
  #rows({ pane }: ClosedWindow, window: WindowInfo): Uint32Array {
    const { table } = pane;
    const { most, orderBy, having } = this.options;
    const all = table.rows - 1;
    let rows = new Uint32Array(all).map((_, at) => at + 1);
    if (all <= most && !orderBy && !having) return rows;
    if (having) {
      rows = rows.filter((row) => {
        const { buffer, length } = this.#writer.row(table, row, window);
        this.#line.take(buffer, 0, length);
        return having(this.#line);
      });
    }
    if (orderBy || rows.length > most) {
      const order = orderBy ?? { name: 'count', ascending: false };
      rows = sorted(
        rows,
        table,
        order,
        (row) => this.measures.count(table, row, window),
        (row) => this.#writer.event(table, row, window),
      ).slice(0, most);
    }
    if (rows.length < all) pane.eachMax += table.fold(others(all, rows), weight);
    return orderBy ? rows : rows.sort();
  }
}

/** Outputs many lines. Returns how many. */
function putLines({ buffer, ends }: ReturnType<Table['lines']>, out: Output): number {
  if (ends.length > 0) out.bytes(buffer, 0, ends.at(-1) as number, ends.length);
  return ends.length;
}

/** Yields the rows from 1 to `last` that are not in `rows`. */
function* others(last: number, rows: Uint32Array): Generator<number> {
  const listed = new Uint8Array(last + 1);
  for (const row of rows) listed[row] = 1;
  for (let row = 1; row <= last; row++) if (listed[row] === 0) yield row;
}
