import type { Line } from '../../schemas/pipe/line/line.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import type { GatheredLines } from '../../schemas/pipe/scan/gather.js';
import type { ScannedLines } from '../../schemas/pipe/scan/scanned-lines.js';
import { Tables } from './pane.js';
import type { Shape } from './table.js';
import { Timelines } from './timelines.js';
import { type Closed, mostPanes, type Times, Windows } from './windows.js';

/** The windows of each timeline, and those of timelines that have ended until they are written. */
export class WindowSets {
  readonly #timelines: Timelines<Windows>;
  readonly #ending: Windows[] = [];
  readonly #tables: Tables;
  readonly #trusts: boolean; // without --every there is one window, and nobody's time matters

  constructor(times: Times, shape: Shape, most: number) {
    const { every, step = every, grace } = times;
    this.#tables = new Tables(shape);
    this.#trusts = step !== undefined;
    this.#timelines = new Timelines({
      bound: every === undefined ? 0 : Math.max(10 * every, grace + every),
      hold: mostPanes * (step ?? 0),
      make: () => new Windows(times, this.#tables, most),
      ended: (windows, to, time) => {
        this.#ending.push(windows);
        if (to && time !== undefined) to.waiting.adopt(windows.waiting, time);
      },
      report: (text) => logMessage('aggregate', `${text}; separate windows are written`),
    });
  }

  /** Those of the last event's timeline. */
  get current(): Windows {
    return this.#timelines.current.of;
  }

  /** All that may get more events. */
  get all(): Windows[] {
    return this.#timelines.all.map(({ of }) => of);
  }

  /** Notes an event, and makes its windows the current ones. Returns whether its time is trusted. */
  see(line: Line, time: number): boolean {
    return !this.#trusts || this.#timelines.see(line, time);
  }

  /** Whether a time is near those of the current timeline. */
  isNear(time: number): boolean {
    return !this.#trusts || this.#timelines.isNear(time);
  }

  /** Notes lines that go into the current pane, from one on. Returns where the first is that does not. */
  goOn(lines: GatheredLines, start: number, scanned: ScannedLines): number {
    const { current } = this;
    if (!this.#trusts) return current.current ? lines.count : start;
    let end = start;
    while (end < lines.count && current.holds(lines.time(end))) end++;
    return this.#timelines.goOn(lines, start, end, scanned);
  }

  /** Closes windows of the current timeline that are over. Returns whether `next` may have something. */
  advance(): boolean {
    const { of, passed } = this.#timelines.current;
    return of.advance(passed) || this.#ending.length > 0;
  }

  /** The same while the input is idle, of all. */
  advanceIdle(): boolean {
    let due = this.#ending.length > 0;
    for (const timeline of this.#timelines.all) if (timeline.of.advance(timeline.idle())) due = true;
    return due;
  }

  /** In how many µs a window will be over if nothing comes; undefined if none will. */
  get due(): number | undefined {
    const dues = this.#timelines.all.flatMap((timeline) => {
      const { due } = timeline.of;
      return due === undefined || !timeline.live ? [] : [due - timeline.idle()];
    });
    return dues.length > 0 ? Math.min(...dues) : undefined;
  }

  /** The oldest window that is over; with `all`, that has something. It must come back by `done`. */
  next(all = false): Closed | undefined {
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

  done({ pane }: Closed): void {
    this.#tables.give(pane.table);
  }
}
