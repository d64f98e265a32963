/** A text of a line and the value that follows it: struct piece of lines.h. Without the value, the text is left out. */
export interface Piece {
  text: string;
  /** The index of a part of the key. */
  part?: number;
  /** The index of a column. Left out if its number is 0, unless `always` is set. */
  column?: number;
  always?: boolean;
}

/** lines.h handles at most this many parts of a key. */
export const maxParts = 32;
const words = 5; // of a struct piece

/** The pieces of a line in order, in the format of lines.h: the structs, followed by their texts. */
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

  /** Copies the structs and texts to `place` in a memory, and adjusts the pointers in the structs. */
  put(memory: Uint8Array, words32: Uint32Array, place: number): void {
    memory.set(this.bytes, place);
    for (let i = 0; i < this.count; i++) (words32[place / 4 + i * words] as number) += place;
  }
}
