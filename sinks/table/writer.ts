import type { Line } from '../../schemas/pipe/line/line.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';
import { painter } from '../../schemas/pipe/terminal/colour.js';
import { ready, shorten, width } from '../../schemas/pipe/terminal/shorten.js';
import type { Clock } from '../terminal/clock.js';
import { AsciiRow } from './ascii.js';
import type { Column, Placed } from './column.js';
import { fitting, fittingRow, growing, growingRow, type PaintCell, widen } from './layout.js';

/** The terminal to write to: process.stdout, if it is a terminal. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  on(event: 'resize', changed: () => void): unknown;
  off(event: 'resize', changed: () => void): unknown;
}

/** A row of a table. */
export interface Row {
  columns: readonly Column<never>[];
  /** The text of each column. */
  texts: readonly string[];
  state: 'failed' | 'pending' | 'other';
  /** The day of its time, as `2026-11-23`. */
  day: string;
}

/** How much wider the column of reasons gets at a time, if it must be wider. */
const reasonStep = 4;

const plain: PaintCell = (text) => text;

/** Writes rows, with a heading whenever the columns change. On a terminal, rows fit into its current width. */
export class TableWriter {
  #columns: readonly Column<never>[] | undefined;
  #placed: Placed<never>[] = [];
  #needed: number[] = []; // the widths of the longest texts of these columns so far
  #width = 0;
  #day: string;
  #start = '';
  readonly #row: AsciiRow | undefined; // only without a terminal and colours
  readonly #cell: Record<Row['state'] | 'heading', PaintCell>;
  readonly #dim: (text: string) => string;
  readonly #alert: (text: string) => string;

  constructor(
    private readonly terminal: Terminal | undefined,
    clock: Clock,
    colour: boolean,
    private readonly wide: boolean,
    /** Takes each line, instead of the stage's output. */
    private readonly print?: (line: string) => void,
  ) {
    this.#day = clock.today;
    if (!terminal && !colour && !print) this.#row = new AsciiRow();
    const paint = painter(colour);
    const result: (...styles: Parameters<typeof paint>[1][]) => PaintCell =
      (...styles) =>
      (text, { name }) =>
        name === 'result' || name === 'answer' ? paint(text, ...styles) : text;
    this.#cell = {
      failed: result('red'),
      pending: result('yellow'),
      other: plain,
      heading: (text) => paint(text, 'bold'),
    };
    this.#dim = (text) => paint(text, 'dim');
    this.#alert = (text) => paint(text, 'bold', 'red');
  }

  /** Whether a heading was written. */
  get hasBegun(): boolean {
    return this.#columns !== undefined;
  }

  /** Overwrites what the terminal shows in the current line, such as ^C, with the next line. */
  overwrite(): void {
    this.#start = '\r';
  }

  /** Writes a heading, if it is not that of the last rows. `texts` are those of the row that follows. */
  begin(out: Output, columns: readonly Column<never>[], texts: readonly string[] = [], isReason = false): void {
    const limit = this.terminal && !this.wide ? this.terminal.columns || 80 : 0;
    const isNew = columns !== this.#columns;
    if (isNew) this.#needed = [];
    const lacks = limit > 0 && this.#note(columns, texts, isReason);
    if (!isNew && limit === this.#width && !lacks) return;
    const old = this.#placed;
    if (isNew || limit > 0) this.#placed = limit > 0 ? fitting(columns, limit, this.#needed) : growing(columns);
    if (!isNew && limit === this.#width && old.every(({ width }, at) => width === this.#placed[at]?.width)) return;
    this.#columns = columns;
    this.#width = limit;
    if (limit === 0 && texts.length > 0) widen(this.#placed, texts);
    const titles = columns.map(({ title }) => title);
    this.#put(out, this.#format(titles, this.#cell.heading));
  }

  /** Notes how long texts are. Returns whether a reason is longer than those before. */
  #note(columns: readonly Column<never>[], texts: readonly string[], isReason: boolean): boolean {
    let isLonger = false;
    for (const [at, text] of texts.entries()) {
      const { reason } = columns[at] as Column<never>;
      // in steps, so that the columns seldom change
      const needed = reason ? (isReason ? Math.ceil(width(text) / reasonStep) * reasonStep : 0) : width(text);
      if (needed <= (this.#needed[at] ?? 0)) continue;
      this.#needed[at] = needed;
      isLonger ||= reason === true;
    }
    return isLonger;
  }

  /** Writes the row of an event, if that is possible without making text of it, and if it has the columns of the last row. */
  event(out: Output, columns: readonly Column<Line>[], line: Line): boolean {
    const row = this.#row;
    if (!row || columns !== this.#columns || !row.format(this.#placed as readonly Placed<Line>[], line)) return false;
    out.bytes(row.bytes, 0, row.length);
    return true;
  }

  /** Writes rows. If it returns a promise, wait for it before you call anything here. */
  rows(out: Output, rows: readonly Row[]): void | Promise<void> {
    const loading = ready(rows.flatMap(({ texts }) => texts));
    if (loading) return loading.then(() => this.rows(out, rows));
    for (const { columns, texts, state, day } of rows) {
      this.begin(out, columns, texts, state !== 'other');
      if (this.terminal && day !== this.#day && columns.some(({ name }) => name === 'time')) {
        this.#put(out, this.#dim(`-- ${day} --`));
        this.#day = day;
      }
      this.#put(out, this.#format(texts, this.#cell[state]));
    }
  }

  /** Writes a line between the rows that reports a problem. */
  alert(out: Output, text: string): void {
    this.#put(out, this.#alert(this.#fit(text)));
  }

  /** Writes a line that sums up. */
  sum(out: Output, text: string): void {
    this.#put(out, text);
  }

  #format(texts: readonly string[], paint: PaintCell): string {
    return (this.#width > 0 ? fittingRow : growingRow)(this.#placed, texts, paint);
  }

  #fit(text: string): string {
    return this.#width > 0 ? shorten(text, this.#width) : text;
  }

  #put(out: Output, text: string): void {
    const line = this.#start + text;
    if (this.print) this.print(line);
    else out.write(line);
    this.#start = '';
  }
}
