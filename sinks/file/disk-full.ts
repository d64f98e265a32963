import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { counted } from '../../schemas/pipe/io/fd.js';
import { canonical } from '../../schemas/pipe/line/canonical.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';

/** What to do with lines if the disk is full. */
export type OnFull = 'block' | 'drop' | 'exit';

const firstWaitMs = 20;
const lastWaitMs = 1_000;

/** Handles a full disk for one file: waits for space, or counts dropped lines and reports them once there is space again. */
export class DiskFullHandler {
  #dropped = 0;
  #isFull = false;
  #stopped = false;
  #nextWaitMs = firstWaitMs;
  #retry = () => {};

  constructor(
    private readonly path: string,
    private readonly options: { stage: string; onFull: OnFull },
    private readonly folder = dirname(path),
  ) {}

  /** Returns the `lost` event to write before the next line; empty if nothing was dropped. */
  lostEvent(): Buffer {
    if (this.#dropped === 0) return Buffer.alloc(0);
    const lost = { type: 'lost', v: 1, stage: this.options.stage, where: 'disk full', count: this.#dropped };
    return Buffer.from(`${canonical(lost)}\n`);
  }

  /** Reports the dropped lines in a message and resets their count. Call this once the `lost` event is written. */
  reportDropped(): void {
    logMessage(this.options.stage, `${this.path}: ${counted(this.#dropped)} dropped while the disk was full`);
    this.#dropped = 0;
  }

  /** Handles a failed write that left `lines` unwritten. Returns what to do next; `retry` comes after waiting for space. */
  async writeFailed(error: unknown, lines: number): Promise<'exit' | 'drop' | 'retry'> {
    const { code } = error as { code?: string };
    if (this.options.onFull === 'exit' || this.#stopped || !(code === 'ENOSPC' || code === 'EDQUOT')) return 'exit';
    const action = this.options.onFull === 'drop' ? 'dropping lines' : 'waiting';
    if (!this.#isFull)
      logMessage(this.options.stage, `${this.path}: ${code}, ${action} until there is space; free some`);
    this.#isFull = true;
    if (this.options.onFull === 'drop') {
      this.#dropped += lines;
      return 'drop';
    }
    await this.#waitForSpace();
    return 'retry';
  }

  /** Ends the outage after a successful write. */
  writeSucceeded(): void {
    if (this.#isFull && this.options.onFull === 'block')
      logMessage(this.options.stage, `${this.path}: there is space again`);
    this.#isFull = false;
    this.#nextWaitMs = firstWaitMs;
  }

  /** Retries at once, because the situation may have changed. */
  retry(): void {
    this.#retry();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry();
  }

  /** Reports dropped lines that could not be recorded in the file before it was closed. */
  close(): void {
    if (this.#dropped > 0) this.reportDropped();
  }

  /** Waits for space. Without a single free block it does not even try: a failed write leaves half a line for a moment. */
  async #waitForSpace(): Promise<void> {
    for (let retried = false; !retried; ) {
      retried = await this.#wait();
      const { bfree = 1 } = await statfs(this.folder).catch(() => ({ bfree: 1 }));
      if (bfree > 0) return;
    }
  }

  /** Resolves to true if `retry` or `stop` was called, and to false after the wait. */
  #wait(): Promise<boolean> {
    const wait = this.#nextWaitMs;
    this.#nextWaitMs = Math.min(wait * 2, lastWaitMs);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), wait);
      this.#retry = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
