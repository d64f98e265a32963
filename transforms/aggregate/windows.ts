import { Pane, type Tables } from './pane.js';
import { Waiting } from './waiting.js';

/** When windows begin and end, µs; without `every` there is one, the whole input. */
export interface Times {
  every?: number;
  /** A window begins at each multiple of this; every, if left out. */
  step?: number;
  /** An event that comes so much later than newer ones still counts. */
  grace: number;
}

/** At most this many windows without events are written in a row while attempts wait: clocks jump, and recordings have gaps. */
const mostEmpty = 1000;

/** With so many panes open, none is opened for an event whose time is not trusted. */
export const mostPanes = 1000;

/** A window that is over. */
export interface Closed {
  pane: Pane;
  start: number;
  end: number;
}

/**
 * Windows by event time: events go into panes of one step, a window is some panes side by side. A pane is over once event
 * time has passed its end by the grace, and with it the window that ends there.
 */
export class Windows {
  readonly #panes = new Map<number, Pane>();
  readonly #step: number;
  readonly #wide: number; // panes of a window
  readonly #grace: number;
  #over = Number.NEGATIVE_INFINITY; // panes below this are over
  #next = Number.NEGATIVE_INFINITY; // when the next one will be
  #told = Number.NEGATIVE_INFINITY; // windows that end with a pane below this were given
  #empty = 0; // windows without any pane that were given one after another
  /** The attempts that wait. While there are any, windows are given without events too. */
  readonly waiting = new Waiting((after) => this.#boundary(after));
  #last: Pane | undefined;
  #lastAt = Number.NaN;

  constructor(
    { every, step = every, grace }: Times,
    private readonly tables: Tables,
    private readonly most: number,
  ) {
    this.#step = step ?? 0;
    this.#wide = every && step ? every / step : 1;
    this.#grace = grace;
  }

  /** The pane of a time; undefined if that is over, or if it is not trusted and there are too many panes. */
  pane(time: number, trusted = true): Pane | undefined {
    const at = this.#step > 0 ? Math.floor(time / this.#step) : 0;
    if (at === this.#lastAt) return this.#last;
    if (at < this.#over) return undefined;
    let pane = this.#panes.get(at);
    if (!pane) {
      if (!trusted && this.#panes.size >= mostPanes) return undefined;
      pane = this.spare();
      this.#panes.set(at, pane);
    }
    if (!trusted) return pane;
    this.#lastAt = at;
    this.#last = pane;
    return pane;
  }

  /** Whether a time is of the pane that was asked for last, and no window is over by then. */
  holds(time: number): boolean {
    if (this.#step === 0) return this.#last !== undefined;
    return time < this.#next && Math.floor(time / this.#step) === this.#lastAt;
  }

  /** Whether the pane of a time is over. */
  isOver(time: number): boolean {
    return this.#step > 0 && Math.floor(time / this.#step) < this.#over;
  }

  /** The pane that was asked for last. */
  get current(): Pane | undefined {
    return this.#last;
  }

  /** How many groups are kept. */
  get groups(): number {
    return [...this.#panes.values()].reduce((sum, { table }) => sum + Math.max(0, table.rows - 1), 0);
  }

  /** Whether a time from start to end lies in one pane. */
  fits(start: number, end: number): boolean {
    return this.#step === 0 || Math.floor(start / this.#step) === Math.floor((end - 1) / this.#step);
  }

  /** Event time is so late now. Returns whether `next` may have something. */
  advance(time: number): boolean {
    if (this.#step === 0 || time < this.#next) return false;
    this.#over = Math.floor((time - this.#grace) / this.#step);
    this.#next = (this.#over + 1) * this.#step + this.#grace;
    if (this.#lastAt < this.#over) {
      this.#lastAt = Number.NaN;
      this.#last = undefined;
    }
    return this.#panes.size > 0 || this.waiting.size > 0;
  }

  /** When the first window that has something will be over, in event time. */
  get due(): number | undefined {
    const at = this.#step > 0 ? this.#oldest() : undefined;
    return at === undefined ? undefined : (at + 1) * this.#step + this.#grace;
  }

  /** The oldest window that is over; with `all`, that has something. Its table must be given back. */
  next(all = false): Closed | undefined {
    const at = this.#oldest();
    if (at === undefined || (at >= this.#over && !(all && this.#panes.size > 0))) return undefined;
    const closed = this.#window(at);
    this.#end(at);
    closed.pane.gauges.each(closed.pane.wait);
    this.waiting.count(closed.end, closed.pane.wait);
    return closed;
  }

  /** An empty pane, for groups on their way out. */
  spare(): Pane {
    return new Pane(this.tables.take(), this.most, this.tables.take, this.tables.give);
  }

  /**
   * The pane that the next window ends with. A window can end where no pane is, but one without any is only written if
   * attempts wait at its end.
   */
  #oldest(): number | undefined {
    const first = Math.min(...this.#panes.keys());
    const next = this.#told;
    if (next < first && Number.isFinite(next) && this.#empty < mostEmpty && this.waiting.any((next + 1) * this.#step))
      return next;
    return this.#panes.size > 0 ? Math.max(next, first) : undefined;
  }

  /** The end of the first window that ends after a time and was not given yet. */
  #boundary(after: number): number {
    if (this.#step === 0) return Number.POSITIVE_INFINITY;
    return (Math.max(Math.floor(after / this.#step), this.#told) + 1) * this.#step;
  }

  /** The window that ends with a pane. */
  #window(at: number): Closed {
    const pane = this.#panes.get(at) ?? this.spare();
    if (this.#step === 0) return { pane, start: pane.least, end: pane.largest + 1 };
    const [start, end] = [(at - this.#wide + 1) * this.#step, (at + 1) * this.#step];
    if (this.#wide === 1) return { pane, start, end };
    const all = this.spare();
    for (let one = at - this.#wide + 1; one <= at; one++) {
      const part = this.#panes.get(one);
      if (part) all.merge(part);
    }
    return { pane: all, start, end };
  }

  /** A window was given: a pane that no later one has goes. */
  #end(at: number): void {
    this.#empty = at < Math.min(...this.#panes.keys()) ? this.#empty + 1 : 0;
    this.#told = at + 1;
    const gone = at - this.#wide + 1;
    const pane = this.#panes.get(gone);
    if (pane && this.#wide > 1) this.tables.give(pane.table);
    this.#panes.delete(gone);
  }
}
