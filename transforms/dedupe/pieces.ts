const blockBits = 16;
const blockWords = 1 << blockBits;
const inBlock = blockWords - 1;
/** The smallest piece has 2^4 words. */
const least = 4;

/** The memory that a piece is part of. */
interface Block {
  readonly words: Uint32Array;
  readonly bytes: Buffer;
}

/**
 * Memory in pieces of 2^n words of 4 bytes. Each is at a place, a number that is never 0. A piece that was given back is used
 * again for bytes that need a piece of its size.
 */
export class Pieces {
  /** Each has room for `blockWords` words, or for one larger piece. */
  readonly #blocks = [newBlock(blockWords)];
  /** By the logarithm of their size, the place of the first free piece. Its first word is the place of the next one. */
  readonly #free = new Uint32Array(32);
  #end = 1 << least;

  /** Takes a piece for this many bytes. Returns its place. */
  take(bytes: number): number {
    const size = sizeFor(bytes);
    const free = this.#free[size] as number;
    if (free > 0) {
      this.#free[size] = this.block(free).words[wordOf(free)] as number;
      return free;
    }
    const words = 1 << size;
    const used = this.#end & inBlock;
    if (used > 0 && used + words > blockWords) this.#end += blockWords - used;
    const place = this.#end;
    this.#end += Math.min(words, blockWords);
    if (place >>> blockBits === this.#blocks.length) this.#blocks.push(newBlock(Math.max(words, blockWords)));
    return place;
  }

  /** Gives back a piece that was taken for this many bytes. */
  give(place: number, bytes: number): void {
    const size = sizeFor(bytes);
    this.block(place).words[wordOf(place)] = this.#free[size] as number;
    this.#free[size] = place;
  }

  /** Returns the block of a piece, which starts there at `wordOf(place)`. */
  block(place: number): Block {
    return this.#blocks[place >>> blockBits] as Block;
  }
}

/** Returns the word of its block at which a piece starts. */
export const wordOf = (place: number) => place & inBlock;

/** Returns the logarithm of the number of words in a piece for this many bytes. */
const sizeFor = (bytes: number) => Math.max(least, 32 - Math.clz32((bytes - 1) >> 2));

function newBlock(length: number): Block {
  const words = new Uint32Array(length);
  return { words, bytes: Buffer.from(words.buffer) };
}
