import type { Lost, Summary } from '../../schemas/generated/events.js';
import type { Output, Stage } from '../../schemas/pipe/stage/stage.js';
import { painter } from '../../schemas/pipe/terminal/colour.js';
import { clip, ready, width } from '../../schemas/pipe/terminal/shorten.js';
import { Clock } from '../terminal/clock.js';
import type { Keys } from '../terminal/keys.js';
import { Board } from './board.js';
import { Interrupted } from './interrupted.js';
import type { PaintCell } from './layout.js';
import type { Terminal } from './writer.js';

/** How long to wait before drawing (ms), because a window arrives as many lines at once. */
const drawDelayMs = 50;

/**
 * Draws the groups of the newest window in place, the largest first, as many as fit; those of look-ups below those of
 * attempts. Each drawing restores the terminal modes that it changes (hidden cursor, no line wrap), so nothing is left to
 * restore at the end, however the process ends. The previous screen contents are scrolled into the history. Keys are read
 * only from the first summary on, because until then sudo may ask for a password.
 */
export function live(terminal: Terminal, keys: Keys, options: { utc?: boolean | undefined; colour?: boolean }): Stage {
  const clock = new Clock(options.utc);
  const attempts = new Board('attempt', clock);
  const lookups = new Board('look-up', clock);
  const paint = painter(options.colour ?? false);
  const heading: PaintCell = (text) => paint(text, 'bold');
  const cell: PaintCell = (text, { name }) => (name === 'result' ? paint(text, 'red') : text);
  const texts = new Set<string>(); // of the summaries since the last drawing
  const interrupted = new Interrupted();
  const lost = { events: 0, summaries: 0 };
  let fresh = false; // there is something new to draw
  let timer: NodeJS.Timeout | undefined;
  let due = false;
  let drawn: 'never' | 'once' | 'resized' = 'never';
  let wake = () => {};

  const rows = () => terminal.rows || 24; // a serial console may not know its size
  const columns = () => terminal.columns || 80;
  const resized = () => {
    if (drawn === 'once') drawn = 'resized';
    fresh = due = true;
    wake();
  };
  const screen = (spare: number): string[] => {
    const limit = Math.max(1, rows() - 1 - spare);
    const missing = Math.max(lost.events, lost.summaries); // `lost` events repeat what summaries report
    const part = (board: Board, lines: number, lost: number) =>
      board.isEmpty
        ? []
        : [
            paint(clip(board.head(lost), columns()), ...(lost > 0 ? (['red'] as const) : [])),
            ...board.table(lines - 1, columns(), heading, cell),
          ];
    const forLookups = Math.min(lookups.height, Math.max(limit - attempts.height, Math.floor(limit / 2)));
    const lines = [
      ...part(attempts, limit - forLookups, missing),
      ...part(lookups, forLookups, attempts.isEmpty ? missing : 0),
    ];
    const waiting = clip('waiting for summaries (aggregate --every 10s produces them)', columns());
    return lines.length > 0 ? lines.slice(0, limit) : [waiting];
  };
  const draw = (out: Output, spare = 0): void | Promise<void> => {
    const loading = ready([...texts]);
    texts.clear();
    if (loading) return loading.then(() => draw(out, spare));
    const start = { never: '\r\n'.repeat(rows()), once: '', resized: '\x1b[2J' }[drawn];
    out.write(`${start}\x1b[?25l\x1b[?7l\x1b[H${screen(spare).join('\x1b[K\r\n')}\x1b[K\x1b[J\x1b[?7h\x1b[?25h`);
    drawn = 'once';
    fresh = due = false;
  };
  const add = (event: Summary) => {
    if (!(event.events === 'dns' ? lookups : attempts).add(event)) return;
    lost.summaries += (event.lost ?? 0) + (event.invalid ?? 0);
    for (const value of Object.values(event)) if (typeof value === 'string') texts.add(value);
    fresh = true;
  };

  return {
    name: 'sink-table',
    traits: { sink: true },
    open(out) {
      ({ wake } = out);
      terminal.on('resize', resized);
      return draw(out);
    },
    line(line, out) {
      interrupted.add(line.event);
      if (line.type === 'summary') {
        add(line.event as Summary);
        void keys.start(resized);
      } else if (line.type === 'lost') {
        const { where, count } = line.event as Lost;
        if (where !== 'update') lost.events += count;
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
      const text = await interrupted.text();
      if (text === undefined) await draw(out);
      else {
        await draw(out, Math.ceil(width(text) / columns()));
        out.write(text);
      }
      return false;
    },
    control: { asked: () => interrupted.now() },
    close() {
      clearTimeout(timer);
      terminal.off('resize', resized);
      return keys.end();
    },
  };
}
