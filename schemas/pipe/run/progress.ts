import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { isTerminal } from '../io/fd.js';
import { InputStats } from '../io/input-stats.js';
import type { Source } from '../io/source.js';
import { beforeMessages } from '../messages/log.js';
import type { Ledger } from '../stage/ledger.js';
import { now } from './now.js';
import { type ProgressState, statusLine } from './progress/status-line.js';

/** How often the line is updated (ms). It first appears after this time, so a shorter run does not show it. */
const every = 1_000;

/**
 * Shows a status line if stderr is a terminal and either --progress is given or the input is a file. Returns undefined, at
 * no cost, if not.
 */
export function showProgress(
  name: string,
  asked: boolean,
  source: Source,
  ledgers: readonly Ledger[],
): Progress | undefined {
  if (!isTerminal(2) || process.env.TERM === 'dumb') return undefined;
  const size = source.size?.();
  if (size === undefined && !asked) return undefined;
  return isatty(2) ? new Progress(name, size, ledgers) : undefined;
}

export class Progress {
  readonly #seen = new InputStats();
  readonly #timer = setInterval(() => this.#draw(), every).unref();
  readonly #mixes = isTerminal(1) && isatty(1);
  #drawn = false;
  #events = 0;
  #at = now();

  constructor(
    private readonly name: string,
    /** The size of the file, in bytes. */
    private readonly size: number | undefined,
    private readonly ledgers: readonly Ledger[],
  ) {
    beforeMessages(() => this.#clear());
  }

  /** Counts bytes that were read. */
  came(bytes: Buffer): void {
    this.#seen.add(bytes);
  }

  /** Call this before output is written. If that goes to the terminal, the status line ends: the output shows the progress. */
  writes(): void {
    if (this.#mixes) this.end();
  }

  /** Removes the line at the end of the input or of the run. */
  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    const events = this.ledgers[0]?.in ?? 0;
    const time = now();
    const { read, lost, newest } = this.#seen;
    const shown: ProgressState = {
      name: this.name,
      events,
      perSecond: ((events - this.#events) / (time - this.#at)) * 1000,
      lost: this.ledgers.reduce((sum, ledger) => sum + ledger.lost, lost),
      ...(this.size ? { done: Math.min(1, read / this.size) } : {}),
      ...(this.size === undefined && newest !== undefined ? { behind: (Date.now() - newest) / 1000 } : {}),
    };
    this.#events = events;
    this.#at = time;
    const colour = !process.env.NO_COLOR;
    write(`\r${statusLine(shown, (process.stderr.columns || 80) - 1, colour)}\x1b[K`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) write('\r\x1b[K');
    this.#drawn = false;
  }
}

/** Writes to the terminal. Ignores errors, so a broken terminal does not stop the command. */
function write(text: string): void {
  try {
    writeSync(2, text);
  } catch {}
}
