import { type Addon, addon, type Helper } from '../io/addon.js';

/** So many bytes are scanned at once: few enough to share them, many enough that this costs nothing. */
const pieceBytes = 1 << 16;
const newline = 10;

interface Piece {
  from: number;
  /** Where its records are in the table. */
  record: number;
}

/** Another thread, which scans lines before they are asked for, in native code, into records of its own. */
export class AheadScanner {
  readonly #pieces: Piece[] = []; // that are with it
  readonly #rest: { from: number; to: number }[] = []; // what there was no room for yet
  #next = 0; // the slot of the next piece

  private constructor(
    private readonly addon: Addon,
    private readonly helper: Helper,
    private readonly buffer: Buffer,
    private readonly table: Int32Array,
    /** Words of the table that a piece has. */
    private readonly words: number,
    /** So many pieces have room, behind the first of them, which is not ours. */
    private readonly slots: number,
  ) {}

  /** Undefined where there is no native part, or no second CPU. */
  static open(buffer: Buffer, table: Int32Array, words: number): AheadScanner | undefined {
    const loaded = addon();
    const helper = loaded?.open(table.buffer as ArrayBuffer);
    return loaded && helper && new AheadScanner(loaded, helper, buffer, table, words, table.length / words - 1);
  }

  /** Has buffer[from..to) scanned, where a newline is the last byte: with long lines maybe not all of it. */
  offer(from: number, to: number): void {
    this.#rest.push({ from, to });
    this.#fill();
  }

  /** Where the next piece begins; undefined where there is none. */
  get begins(): number | undefined {
    return this.#pieces[0]?.from;
  }

  /** Waits for that piece. Its records stay until the next is asked for. */
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
    // one slot is that of the piece that was taken last
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
