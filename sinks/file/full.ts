import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { counted } from '../../schemas/pipe/io/fd.js';
import { canonical } from '../../schemas/pipe/line/canonical.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';

/** What becomes of lines that the disk has no room for. */
export type OnFull = 'block' | 'drop' | 'exit';

const firstWaitMs = 20;
const lastWaitMs = 1_000;

/** One file's dealings with a full disk: waits for space, or counts what is dropped and tells it once there is room. */
export class Full {
  #dropped = 0;
  #isFull = false;
  #stopped = false;
  #next = firstWaitMs;
  #retry = () => {};

  constructor(
    private readonly path: string,
    private readonly options: { stage: string; onFull: OnFull },
    private readonly folder = dirname(path),
  ) {}

  /** The `lost` event that is to stand before the next line; empty where none was dropped. */
  gap(): Buffer {
    if (this.#dropped === 0) return Buffer.alloc(0);
    const lost = { type: 'lost', v: 1, stage: this.options.stage, where: 'disk full', count: this.#dropped };
    return Buffer.from(`${canonical(lost)}\n`);
  }

  /** What `gap` says has been written. */
  told(): void {
    logMessage(this.options.stage, `${this.path}: ${counted(this.#dropped)} dropped while the disk was full`);
    this.#dropped = 0;
  }

  /** A write has failed, with so many lines left. Says what is to be done with them; resolves when it is time for that. */
  async met(error: unknown, lines: number): Promise<'exit' | 'drop' | 'again'> {
    const { code } = error as { code?: string };
    if (this.options.onFull === 'exit' || this.#stopped || !(code === 'ENOSPC' || code === 'EDQUOT')) return 'exit';
    const does = this.options.onFull === 'drop' ? 'dropping lines' : 'waiting';
    if (!this.#isFull) logMessage(this.options.stage, `${this.path}: ${code}, ${does} until there is space; free some`);
    this.#isFull = true;
    if (this.options.onFull === 'drop') {
      this.#dropped += lines;
      return 'drop';
    }
    await this.#pause();
    return 'again';
  }

  /** A write went well again. */
  over(): void {
    if (this.#isFull && this.options.onFull === 'block')
      logMessage(this.options.stage, `${this.path}: there is space again`);
    this.#isFull = false;
    this.#next = firstWaitMs;
  }

  /** Something has changed: tries again at once. */
  retry(): void {
    this.#retry();
  }

  stop(): void {
    this.#stopped = true;
    this.#retry();
  }

  /** The file is closed: what was dropped and could not be told there is told here. */
  end(): void {
    if (this.#dropped > 0) this.told();
  }

  /** Waits, and as long as there is not one free block does not even try: a write would leave half a line for a moment. */
  async #pause(): Promise<void> {
    for (let poked = false; !poked; ) {
      poked = await this.#wait();
      const { bfree = 1 } = await statfs(this.folder).catch(() => ({ bfree: 1 }));
      if (bfree > 0) return;
    }
  }

  /** Resolves to whether something has changed meanwhile. */
  #wait(): Promise<boolean> {
    const wait = this.#next;
    this.#next = Math.min(wait * 2, lastWaitMs);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), wait);
      this.#retry = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
