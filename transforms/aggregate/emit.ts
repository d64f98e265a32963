import { Line } from '../../schemas/pipe/line/line.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import type { Predicate } from '../../schemas/where/on.js';
import { type Field, fieldsText } from './key.js';
import type { Measures, Window } from './measure.js';
import { type Order, sorted } from './order.js';
import { weight } from './pane.js';
import type { WindowSets } from './sets.js';
import type { Table } from './table.js';
import type { Closed } from './windows.js';
import { Writer } from './write.js';

export interface Choice {
  /** So many groups of a window are told, the others' sum as `other`. */
  most: number;
  orderBy: Order | undefined;
  /** Only these are told. */
  having: Predicate | undefined;
  /** Which events are attempts; undefined: connects, once there was one. */
  count: 'connect' | 'outcome' | undefined;
  /** A rate is by the window's length, not by the time from its first event to its last. */
  every: boolean;
}

/** A window that is being told. */
interface Telling {
  closed: Closed;
  window: Window;
  rows: Uint32Array;
  /** The first of the rows that was not told yet. */
  next: number;
}

/** Tells of windows that are over, line by line. */
export class Emit {
  /** The input has summaries: what is lost is as they say, and the `lost` events beside them tell of the same. */
  summaries = false;
  readonly by: string;
  readonly #writer: Writer;
  readonly #line = new Line();
  readonly #step: number;
  #firstConnect = Number.POSITIVE_INFINITY;
  #telling: Telling | undefined;

  constructor(
    private readonly windows: WindowSets,
    private readonly measures: Measures,
    fields: readonly Field[],
    private readonly choice: Choice,
  ) {
    this.by = fieldsText(fields);
    this.#step = fields.find(({ step }) => step > 0)?.step ?? 0;
    this.#writer = new Writer(fields, measures);
  }

  /** There was a connect event then. */
  connect(time: number): void {
    if (time < this.#firstConnect) this.#firstConnect = time;
  }

  /** Writes until there is enough; of all windows, or of those that are over. Returns whether there is more. */
  more(out: Output, all: boolean): boolean {
    while (!out.full) {
      if (!this.#telling) {
        const closed = this.windows.next(all);
        if (!closed) return false;
        this.#telling = this.#begin(closed);
      }
      this.#tell(this.#telling, out);
    }
    return true;
  }

  #begin(closed: Closed): Telling {
    const { pane, start, end } = closed;
    const { every, count } = this.choice;
    const window: Window = {
      start,
      end,
      span: this.#step || (every ? end - start : pane.largest - pane.least),
      counts: count ?? (this.#firstConnect < end ? 'connect' : 'outcome'),
    };
    return { closed, window, rows: this.#rows(closed, window), next: 0 };
  }

  #tell(telling: Telling, out: Output): void {
    const { closed, window, rows } = telling;
    const { pane } = closed;
    const { table } = pane;
    const pieces = this.#writer.pieces(window);
    while (telling.next < rows.length) {
      if (out.full) return;
      if (pieces) telling.next += putLines(table.lines(pieces, rows.subarray(telling.next)), out);
      if (telling.next === rows.length) break;
      const { buffer, length } = this.#writer.row(table, rows[telling.next++] as number, window);
      out.bytes(buffer, 0, length);
    }
    const { events, summaries, own } = pane.missing;
    const told = this.summaries ? summaries : events;
    const missing = {
      lost: told.lost + own.lost,
      invalid: told.invalid + own.invalid,
      untracked: summaries.untracked + own.untracked,
    };
    if (weight(table, 0) + missing.lost + missing.invalid + missing.untracked > 0) {
      const { buffer, length } = this.#writer.row(table, 0, window, { missing, eachMax: pane.bound });
      out.bytes(buffer, 0, length);
    }
    this.windows.done(closed);
    this.#telling = undefined;
  }

  /** The rows to tell, in their order; the others are put into `other`. */
  #rows({ pane }: Closed, window: Window): Uint32Array {
    const { table } = pane;
    const { most, orderBy, having } = this.choice;
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

/** Puts out lines that were written at once. Returns how many. */
function putLines({ buffer, ends }: ReturnType<Table['lines']>, out: Output): number {
  let start = 0;
  for (const end of ends) {
    out.bytes(buffer, start, end);
    start = end + 1;
  }
  return ends.length;
}

/** The rows up to the last that are not among these. */
function* others(last: number, rows: Uint32Array): Generator<number> {
  const told = new Uint8Array(last + 1);
  for (const row of rows) told[row] = 1;
  for (let row = 1; row <= last; row++) if (told[row] === 0) yield row;
}
