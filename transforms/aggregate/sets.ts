import type { Line } from '../../schemas/pipe/line/line.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import type { GatheredLines } from './gather.js';
import { Tables } from './pane.js';
import type { TableShape } from './table.js';
import { Timelines } from './timelines.js';
import { type ClosedWindow, maxPanes, Windows, type WindowTimes } from './windows.js';

/** The windows of each timeline, including those of ended timelines until they are written. */
export class WindowSets {
  readonly #timelines: Timelines<Windows>;
  readonly #ending: Windows[] = [];
  readonly #tables: Tables;
  readonly #usesTimelines: boolean; // without --every there is one window, and event times do not matter

  constructor(times: WindowTimes, shape: TableShape, most: number) {
    const { every, step = every, grace } = times;
    this.#tables = new Tables(shape);
    this.#usesTimelines = step !== undefined;
    this.#timelines = new Timelines({
      bound: every === undefined ? 0 : Math.max(10 * every, grace + every),
      hold: maxPanes * (step ?? 0),
      make: () => new Windows(times, this.#tables, most),
      ended: (windows, to, time) => {
        this.#ending.push(windows);
        if (to && time !== undefined) to.pending.adopt(windows.pending, time);
      },
      report: (text) => logMessage('aggregate', `${text}; their windows are written separately`),
    });
  }

  /** The windows of the last event's timeline. */
  get current(): Windows {
    return this.#timelines.current.of;
  }

  /** The windows of each timeline that has not ended. */
  get all(): Windows[] {
    return this.#timelines.all.map(({ of }) => of);
  }

  /** Records an event's time and makes its windows the current ones. Returns whether the time is trusted. */
  observe(line: Line, time: number): boolean {
    return !this.#usesTimelines || this.#timelines.observe(line, time);
  }

  /** Returns whether a time is within bounds of the current timeline. */
  isNear(time: number): boolean {
    return !this.#usesTimelines || this.#timelines.isNear(time);
  }

  /** Records the lines from `start` on that belong to the current pane. Returns the index of the first that does not. */
  observeRun(lines: GatheredLines, start: number, scanned: ScannedLines): number {
    const { current } = this;
    if (!this.#usesTimelines) return current.current ? lines.count : start;
    let end = start;
    while (end < lines.count && current.isCurrent(lines.time(end))) end++;
    return this.#timelines.observeRun(lines, start, end, scanned);
  }

  /** Closes windows of the current timeline that are over. Returns whether `next` may return a window. */
  advance(): boolean {
    const { of, passed } = this.#timelines.current;
    return of.advance(passed) || this.#ending.length > 0;
  }

  /** Does the same for all timelines while the input is idle. */
  advanceIdle(): boolean {
    let due = this.#ending.length > 0;
    for (const timeline of this.#timelines.all) if (timeline.of.advance(timeline.idle())) due = true;
    return due;
  }

  /** In how many µs the next window is over if no input arrives, or undefined if there is no such window. */
  get due(): number | undefined {
    const dues = this.#timelines.all.flatMap((timeline) => {
      const { due } = timeline.of;
      return due === undefined || !timeline.live ? [] : [due - timeline.idle()];
    });
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }

  /**
   * Returns the oldest window that is over, or with `all` the oldest window that is not empty. The caller must pass it to
   * `release` when it has been written.
   */
  next(all = false): ClosedWindow | undefined {
    for (let windows = this.#ending[0]; windows; windows = this.#ending[0]) {
      const closed = windows.next(true);
      if (closed) return closed;
      this.#ending.shift();
    }
    for (const windows of this.all) {
      const closed = windows.next(all);
      if (closed) return closed;
    }
    return undefined;
  }

  release({ pane }: ClosedWindow): void {
    this.#tables.give(pane.table);
  }
}
