import { type Addon, addon, type Helper } from '../io/addon.js';

/** The bytes in one piece: small enough to share the work, large enough that sharing costs nothing. */
const pieceBytes = 1 << 16;
const newline = 10;

interface Piece {
  from: number;
  /** The place of its records in the table. */
  record: number;
}

/** Scans lines before they are needed, in native code in a second thread, into separate records. */
export class AheadScanner {
  readonly #pieces: Piece[] = []; // offered to the thread
  readonly #rest: { from: number; to: number }[] = []; // not offered yet, for lack of slots
  #next = 0; // the slot of the next piece

  private constructor(
    private readonly addon: Addon,
    private readonly helper: Helper,
    private readonly buffer: Buffer,
    private readonly table: Int32Array,
    /** The words of the table for one piece. */
    private readonly words: number,
    /** The number of pieces that fit in the table, after the first, which is for the main thread. */
    private readonly slots: number,
  ) {}

  /** Starts the thread. Returns undefined without the native addon or a second CPU. */
  static open(buffer: Buffer, table: Int32Array, words: number): AheadScanner | undefined {
    const loaded = addon();
    const helper = loaded?.open(table.buffer as ArrayBuffer);
    return loaded && helper && new AheadScanner(loaded, helper, buffer, table, words, table.length / words - 1);
  }

  /** Offers buffer[from..to), which ends with a newline, to be scanned. Very long lines in it may be left out. */
  offer(from: number, to: number): void {
    this.#rest.push({ from, to });
    this.#fill();
  }

  /** The start of the next piece; undefined after the last one. */
  get begins(): number | undefined {
    return this.#pieces[0]?.from;
  }

  /** Waits for that piece. Its records stay valid until the next call. */
  take(): { record: number; lines: number } {
    this.#fill();
    const { record } = this.#pieces.shift() as Piece;
    return { record, lines: this.addon.take(this.helper) };
  }

  close(): void {
    this.addon.close(this.helper);
  }

  #fill(): void {
    const { buffer, table, words, slots } = this;
    // one slot is in use by the piece that was taken last
    for (let rest = this.#rest[0]; rest && this.#pieces.length < slots - 1; rest = this.#rest[0]) {
      const { from, to } = rest;
      const end = from + pieceBytes < to ? buffer.lastIndexOf(newline, from + pieceBytes) + 1 : to;
      if (end <= from || end === to) this.#rest.shift();
      if (end <= from) continue; // a long line
      rest.from = end;
      const record = (1 + this.#next) * words;
      this.addon.offer(this.helper, buffer.byteOffset, from, end, table.byteOffset + record * 4, words);
      this.#next = (this.#next + 1) % slots;
      this.#pieces.push({ from, record });
    }
  }
}
