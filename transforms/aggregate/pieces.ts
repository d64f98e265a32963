/** A text of a line, and what stands behind it, without which it is left out: as struct piece of lines.h. */
export interface Piece {
  text: string;
  /** Which part of the key. */
  part?: number;
  /** Which column, as a number; left out where it is 0, but for `always`. */
  column?: number;
  always?: boolean;
}

/** Of more parts lines.h knows nothing. */
export const mostParts = 32;
const words = 5; // of a struct piece

/** The pieces of a line in their order, as lines.h takes them: structs, and behind them their texts. */
export class Pieces {
  readonly bytes: Buffer;
  readonly count: number;

  constructor(pieces: readonly Piece[]) {
    const texts = pieces.map(({ text }) => text).join('');
    const structs = pieces.length * words * 4;
    this.count = pieces.length;
    this.bytes = Buffer.alloc((structs + texts.length + 7) & -8);
    this.bytes.write(texts, structs, 'latin1');
    const into = new Int32Array(this.bytes.buffer, this.bytes.byteOffset, pieces.length * words);
    let at = structs;
    for (const [i, { text, part = -1, column = -1, always = false }] of pieces.entries()) {
      into.set([at, text.length, part, column, Number(always)], i * words);
      at += text.length;
    }
  }

  /** The structs and texts for their place in a memory. */
  put(memory: Uint8Array, words32: Uint32Array, place: number): void {
    memory.set(this.bytes, place);
    for (let i = 0; i < this.count; i++) (words32[place / 4 + i * words] as number) += place;
  }
}
