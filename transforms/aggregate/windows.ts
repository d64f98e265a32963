import { Pane, type Tables } from './pane.js';
import { PendingAttempts } from './pending.js';

/** When windows start and end, µs. Without `every` there is one window for the whole input. */
export interface WindowTimes {
  every?: number;
  /** A window starts at each multiple of this. Default: `every`. */
  step?: number;
  /** How long a window stays open for late events. */
  grace: number;
}

/**
 * At most this many consecutive windows without events are written while attempts are pending, because clocks jump and
 * recordings have gaps.
 */
const maxEmpty = 1000;

/** If this many panes are open, an event whose time is not trusted does not open another. */
export const maxPanes = 1000;

/** A window that is over. */
export interface ClosedWindow {
  pane: Pane;
  start: number;
  end: number;
}

/**
 * Windows by event time. Events are added to panes, which are one step long, and a window consists of consecutive panes. A
 * pane is over when event time is past its end by more than the grace. The window that ends with this pane is then over too.
 */
export class Windows {
  readonly #panes = new Map<number, Pane>();
  readonly #step: number;
  readonly #panesPerWindow: number;
  readonly #grace: number;
  #firstOpen = Number.NEGATIVE_INFINITY; // panes below this are over
  #nextOver = Number.NEGATIVE_INFINITY; // the time at which the next pane is over
  #returned = Number.NEGATIVE_INFINITY; // windows that end with a pane below this have been returned
  #empty = 0; // consecutive windows without a pane that have been returned
  /** The pending attempts. While there are any, windows without events are returned too. */
  readonly pending = new PendingAttempts((after) => this.#boundary(after));
  #last: Pane | undefined;
  #lastAt = Number.NaN;

  constructor(
    { every, step = every, grace }: WindowTimes,
    private readonly tables: Tables,
    private readonly most: number,
  ) {
    this.#step = step ?? 0;
    this.#panesPerWindow = every && step ? every / step : 1;
    this.#grace = grace;
  }

  /** Returns the pane of a time, or undefined if it is over, or if the time is not trusted and there are too many panes. */
  pane(time: number, trusted = true): Pane | undefined {
    const at = this.#step > 0 ? Math.floor(time / this.#step) : 0;
    if (at === this.#lastAt) return this.#last;
    if (at < this.#firstOpen) return undefined;
    let pane = this.#panes.get(at);
    if (!pane) {
      if (!trusted && this.#panes.size >= maxPanes) return undefined;
      pane = this.spare();
      this.#panes.set(at, pane);
    }
    if (!trusted) return pane;
    this.#lastAt = at;
    this.#last = pane;
    return pane;
  }

  /** Returns whether a time is in the current pane and does not end a window. */
  isCurrent(time: number): boolean {
    if (this.#step === 0) return this.#last !== undefined;
    return time < this.#nextOver && Math.floor(time / this.#step) === this.#lastAt;
  }

  /** Returns whether the pane of a time is over. */
  isOver(time: number): boolean {
    return this.#step > 0 && Math.floor(time / this.#step) < this.#firstOpen;
  }

  /** The pane that `pane` returned last for a trusted time. */
  get current(): Pane | undefined {
    return this.#last;
  }

  /** The number of groups in all panes. */
  get groups(): number {
    return [...this.#panes.values()].reduce((sum, { table }) => sum + Math.max(0, table.rows - 1), 0);
  }

  /** Returns whether the time from start to end lies in one pane. */
  fits(start: number, end: number): boolean {
    return this.#step === 0 || Math.floor(start / this.#step) === Math.floor((end - 1) / this.#step);
  }

  /** Advances event time. Returns whether `next` may return a window. */
  advance(time: number): boolean {
    if (this.#step === 0 || time < this.#nextOver) return false;
    this.#firstOpen = Math.floor((time - this.#grace) / this.#step);
    this.#nextOver = (this.#firstOpen + 1) * this.#step + this.#grace;
    if (this.#lastAt < this.#firstOpen) {
      this.#lastAt = Number.NaN;
      this.#last = undefined;
    }
    return this.#panes.size > 0 || this.pending.size > 0;
  }

  /** When the first window that is not empty will be over, in event time. */
  get due(): number | undefined {
    const at = this.#step > 0 ? this.#oldest() : undefined;
    return at === undefined ? undefined : (at + 1) * this.#step + this.#grace;
  }

  /**
   * Returns the oldest window that is over, or with `all` the oldest window that is not empty. The caller must give its table
   * back to `tables`.
   */
  next(all = false): ClosedWindow | undefined {
    const at = this.#oldest();
    if (at === undefined || (at >= this.#firstOpen && !(all && this.#panes.size > 0))) return undefined;
    const closed = this.#window(at);
    this.#end(at);
    closed.pane.gauges.each(closed.pane.addPending);
    this.pending.count(closed.end, closed.pane.addPending);
    return closed;
  }

  /** Returns an empty pane. */
  spare(): Pane {
    return new Pane(this.tables.take(), this.most, this.tables.take, this.tables.give);
  }

  /**
   * Returns the index of the pane that the next window ends with. There need not be such a pane, but a window without any
   * pane is only returned if attempts are pending at its end.
   */
  #oldest(): number | undefined {
    const first = Math.min(...this.#panes.keys());
    const next = this.#returned;
    if (next < first && Number.isFinite(next) && this.#empty < maxEmpty && this.pending.any((next + 1) * this.#step))
      return next;
    return this.#panes.size > 0 ? Math.max(next, first) : undefined;
  }

  /** Returns the end of the first window that ends after a time and has not been returned yet. */
  #boundary(after: number): number {
    if (this.#step === 0) return Number.POSITIVE_INFINITY;
    return (Math.max(Math.floor(after / this.#step), this.#returned) + 1) * this.#step;
  }

  /** Returns the window that ends with a pane. */
  #window(at: number): ClosedWindow {
    const pane = this.#panes.get(at) ?? this.spare();
    if (this.#step === 0) return { pane, start: pane.firstTime, end: pane.lastTime + 1 };
    const [start, end] = [(at - this.#panesPerWindow + 1) * this.#step, (at + 1) * this.#step];
    if (this.#panesPerWindow === 1) return { pane, start, end };
    const all = this.spare();
    for (let one = at - this.#panesPerWindow + 1; one <= at; one++) {
      const part = this.#panes.get(one);
      if (part) all.merge(part);
    }
    return { pane: all, start, end };
  }

  /** Ends a window that is returned, and deletes its first pane, which no later window needs. */
  #end(at: number): void {
    this.#empty = at < Math.min(...this.#panes.keys()) ? this.#empty + 1 : 0;
    this.#returned = at + 1;
    const gone = at - this.#panesPerWindow + 1;
    const pane = this.#panes.get(gone);
    if (pane && this.#panesPerWindow > 1) this.tables.give(pane.table);
    this.#panes.delete(gone);
  }
}
