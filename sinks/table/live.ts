import type { Lost, Summary } from '../../schemas/generated/events.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { type Column, clip, clock, heading, ready, row } from './cells.js';
import type { Keys } from './keys.js';
import { summaries } from './summaries.js';

/** The terminal to draw on: process.stdout, if it is a terminal. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  on(event: 'resize', changed: () => void): unknown;
  off(event: 'resize', changed: () => void): unknown;
}

/** How long to wait before drawing (ms), because a window arrives as many lines at once. */
const drawDelayMs = 50;
/** The maximum number of groups to keep: more than any terminal has lines. */
const mostGroups = 2_000;

/**
 * Draws the groups of the newest window in place, the largest first, as many as fit. Each drawing restores the terminal modes
 * that it changes (hidden cursor, no line wrap), so nothing is left to restore at the end, however the process ends. The
 * previous screen contents are scrolled into the history. Keys are read only from the first summary on, because until then
 * sudo may ask for a password.
 */
export function live(terminal: Terminal, keys: Keys): Stage {
  let window = { ts: '', end: '' };
  let groups: Summary[] = [];
  let [all, attempts, lookups, pending, lost] = [0, 0, 0, 0, 0];
  let fresh = false; // there is something new to draw
  let timer: NodeJS.Timeout | undefined;
  let due = false;
  let drawn: 'never' | 'once' | 'resized' = 'never';
  let wake = () => {};

  const rows = () => terminal.rows || 24; // a serial console may not know its size
  const resized = () => {
    if (drawn === 'once') drawn = 'resized';
    fresh = due = true;
    wake();
  };
  const add = (event: Summary) => {
    if (event.ts < window.ts) return; // from an earlier window
    if (event.ts > window.ts) {
      window = event;
      groups = [];
      [all, attempts, lookups, pending] = [0, 0, 0, 0];
    }
    groups.push(event);
    if (!event.other) all++;
    if (event.events === 'dns') lookups += event.count;
    else attempts += event.count;
    pending += event.pending ?? 0;
    lost += (event.lost ?? 0) + (event.invalid ?? 0);
    if (groups.length > 2 * mostGroups) groups = largest(groups).slice(0, mostGroups);
    fresh = true;
  };
  const draw = (out: Output): void | Promise<void> => {
    const loading = ready(groups.flatMap((event) => Object.values(event).filter((value) => typeof value === 'string')));
    if (loading) return loading.then(() => draw(out));
    const head = [
      `${clock(window.ts)} to ${clock(window.end)}`,
      `${all} ${all === 1 ? 'group' : 'groups'}`,
      ...(attempts > 0 || lookups === 0 ? [`${attempts} attempts`] : []),
      ...(lookups > 0 ? [`${lookups} look-ups`] : []),
      ...(pending > 0 ? [`${pending} pending`] : []),
      ...(lost > 0 ? [`${lost} LOST`] : []),
    ].join(', ');
    const lines =
      window.ts === '' ? ['waiting for summaries (aggregate --every 10s produces them)'] : [head, ...table(groups)];
    const start = { never: '\r\n'.repeat(rows()), once: '', resized: '\x1b[2J' }[drawn];
    const fit = lines.slice(0, Math.max(1, rows() - 1)).map((line) => clip(line, terminal.columns || 80));
    out.text(`${start}\x1b[?25l\x1b[?7l\x1b[H${fit.join('\x1b[K\r\n')}\x1b[K\x1b[J\x1b[?7h\x1b[?25h`);
    drawn = 'once';
    fresh = due = false;
  };

  return {
    name: 'sink-table',
    sink: true,
    open(out) {
      ({ wake } = out);
      terminal.on('resize', resized);
      return draw(out);
    },
    line(line, out) {
      if (line.type === 'summary') {
        add(line.event as Summary);
        keys.start(resized);
      } else if (line.type === 'lost') {
        const { where, count } = line.event as Lost;
        if (where !== 'update') lost += count;
        fresh = true;
      } else return out.drop();
      out.stored(1);
    },
    flush(out) {
      if (fresh && due) return draw(out);
      if (fresh)
        timer ??= setTimeout(() => {
          timer = undefined;
          due = true;
          wake();
        }, drawDelayMs);
    },
    async finish(out) {
      await draw(out);
      return false;
    },
    end() {
      clearTimeout(timer);
      terminal.off('resize', resized);
      return keys.end();
    },
  };
}

/** Sorts groups, those with pending attempts first: they matter most, and seldom have the most attempts. */
function largest(groups: Summary[]): Summary[] {
  return groups.sort(
    (a, b) => Number(a.other ?? 0) - Number(b.other ?? 0) || (b.pending ?? 0) - (a.pending ?? 0) || b.count - a.count,
  );
}

/** Returns the heading and the rows, with columns as wide as needed. */
function table(groups: Summary[]): string[] {
  const by = [...new Set(groups.flatMap((event) => event.by.split(',')))].join(',');
  const [, ...columns] = summaries(Object.assign({}, ...groups, { by })); // without the time
  const shown = columns as Column<never>[];
  const texts = largest(groups).map((event) => shown.map(({ text }) => (text as (event: Summary) => string)(event)));
  for (const cells of texts) row(shown, cells); // widens the columns
  return [heading(shown), ...texts.map((cells) => row(shown, cells))];
}
