import { piece } from './table.layout.js';

/** A text of a line and the value that follows it. Without the value, the text is left out. */
export interface Piece {
  text: string;
  /** The index of a part of the key. */
  part?: number;
  /** The index of a column. Left out if its number is 0, unless `always` is set. */
  column?: number;
  always?: boolean;
}

/** The pieces of a line in order, in the format of lines.h: the structs, followed by their texts. */
export class Pieces {
  readonly bytes: Buffer;
  readonly count: number;

  constructor(pieces: readonly Piece[]) {
    const texts = pieces.map(({ text }) => text).join('');
    const structs = pieces.length * piece.bytes;
    this.count = pieces.length;
    this.bytes = Buffer.alloc((structs + texts.length + 7) & -8);
    this.bytes.write(texts, structs, 'latin1');
    const view = new DataView(this.bytes.buffer, this.bytes.byteOffset);
    let at = structs;
    for (const [i, { text, part = -1, column = -1, always = false }] of pieces.entries()) {
      const { length } = text;
      piece.write(view, i * piece.bytes, { text: at, length, part, column, always: Number(always) });
      at += length;
    }
  }

  /** Copies the structs and texts to `place` in a memory, and adjusts the pointers in the structs. */
  put(memory: Uint8Array, words32: Uint32Array, place: number): void {
    memory.set(this.bytes, place);
    for (let i = 0; i < this.count; i++) (words32[(place + i * piece.bytes) / 4 + piece.at.text] as number) += place;
  }
}
