import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { isTerminal } from '../io/fd.js';
import type { Source } from '../io/source.js';
import { beforeMessages } from '../messages/log.js';
import type { Ledger } from '../stage/ledger.js';
import { InputStats } from './progress/input-stats.js';
import { type ProgressState, statusLine } from './progress/status-line.js';

/** How often the line is drawn, and when first: what is done before that needs none, ms. */
const every = 1_000;

/**
 * The status line of a process that works long, if one is to be shown: where --progress asks for it, or a file is read,
 * and stderr is a terminal. Without one it costs nothing.
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
  #at = performance.now();

  constructor(
    private readonly name: string,
    /** Of the file, in bytes. */
    private readonly size: number | undefined,
    private readonly ledgers: readonly Ledger[],
  ) {
    beforeMessages(() => this.#clear());
  }

  /** Bytes were read. */
  came(bytes: Buffer): void {
    this.#seen.add(bytes);
  }

  /** Output follows: where it goes to the terminal itself, that shows enough. */
  writes(): void {
    if (this.#mixes) this.end();
  }

  /** All was read, or it is over. */
  end(): void {
    clearInterval(this.#timer);
    this.#clear();
  }

  #draw(): void {
    const events = this.ledgers[0]?.in ?? 0;
    const now = performance.now();
    const { read, lost, newest } = this.#seen;
    const shown: ProgressState = {
      name: this.name,
      events,
      perSecond: ((events - this.#events) / (now - this.#at)) * 1000,
      lost: this.ledgers.reduce((sum, ledger) => sum + ledger.lost, lost),
      ...(this.size ? { done: Math.min(1, read / this.size) } : {}),
      ...(this.size === undefined && newest !== undefined ? { behind: (Date.now() - newest) / 1000 } : {}),
    };
    this.#events = events;
    this.#at = now;
    const colour = !process.env.NO_COLOR;
    write(`\r${statusLine(shown, (process.stderr.columns || 80) - 1, colour)}\x1b[K`);
    this.#drawn = true;
  }

  #clear(): void {
    if (this.#drawn) write('\r\x1b[K');
    this.#drawn = false;
  }
}

/** A terminal that cannot take it is no reason to stop. */
function write(text: string): void {
  try {
    writeSync(2, text);
  } catch {}
}
