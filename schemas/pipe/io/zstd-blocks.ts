/** How many bytes a block gives at most. */
export const blockBytes = 1 << 17;

const magic = 0xfd2fb528;
/** Skippable frames have any of 16 magic numbers from this one on. */
const skippable = 0x184d2a50;
const raw = 0;
const rle = 1;

/** Reads the header of a frame, of which at least the first five bytes are there. */
export function frameHeader(data: Buffer): { length: number; hasChecksum: boolean } {
  if (data.readUInt32LE(0) !== magic) throw new Error('invalid frame');
  const flags = data[4] as number;
  const single = (flags >> 5) & 1;
  const size = [single, 2, 4, 8][flags >> 6] as number;
  const dictionary = [0, 1, 2, 4][flags & 3] as number;
  return { length: 5 + (1 - single) + dictionary + size, hasChecksum: (flags & 4) !== 0 };
}

/** A part of a frame, which the decoder turns into at most `blockBytes` bytes. */
export interface Block {
  bytes: Buffer;
  /** Whether it is compressed: then it gives at least one byte, or is damaged. */
  compressed: boolean;
  /** Whether a new frame starts. */
  first: boolean;
}

/**
 * Cuts zstd data into blocks (RFC 8878), wherever the chunks end: a decoder that gets one block at a time needs little memory,
 * however much the data expands. Frames may follow each other; skippable frames are skipped.
 */
export class ZstdBlocks {
  #rest: Buffer = Buffer.alloc(0);
  #state: 'frame' | 'block' | 'checksum' = 'frame';
  #hasChecksum = false;
  #skip = 0;

  /** Whether the data may end here. */
  get complete(): boolean {
    return this.#state === 'frame' && this.#rest.length === 0 && this.#skip === 0;
  }

  /** Yields the blocks that are complete with this chunk. Throws if the data is not zstd. */
  *add(chunk: Buffer): Generator<Block> {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    for (;;) {
      const skipped = Math.min(this.#skip, data.length - at);
      this.#skip -= skipped;
      at += skipped;
      const block = this.#next(data.subarray(at));
      if (block === undefined) break;
      at += block.bytes.length;
      if (this.#skip === 0) yield block;
    }
    this.#rest = Buffer.from(data.subarray(at));
  }

  /** Returns the next part; undefined if it is not complete. */
  #next(data: Buffer): Block | undefined {
    if (this.#state === 'frame') return this.#frame(data);
    if (this.#state === 'block') return this.#block(data);
    if (data.length < 4) return undefined;
    this.#state = 'frame';
    return { bytes: data.subarray(0, 4), compressed: false, first: false };
  }

  #frame(data: Buffer): Block | undefined {
    if (data.length < 8) return undefined;
    const found = data.readUInt32LE(0);
    if ((found & ~15) >>> 0 === skippable) {
      this.#skip = data.readUInt32LE(4);
      return { bytes: data.subarray(0, 8), compressed: false, first: false };
    }
    const { length, hasChecksum } = frameHeader(data);
    if (data.length < length) return undefined;
    this.#hasChecksum = hasChecksum;
    this.#state = 'block';
    return { bytes: data.subarray(0, length), compressed: false, first: true };
  }

  #block(data: Buffer): Block | undefined {
    if (data.length < 3) return undefined;
    const header = data.readUIntLE(0, 3);
    const kind = (header >> 1) & 3;
    const length = 3 + (kind === rle ? 1 : header >> 3);
    if (length > 3 + blockBytes) throw new Error('invalid block');
    if (data.length < length) return undefined;
    if (header & 1) this.#state = this.#hasChecksum ? 'checksum' : 'frame';
    return { bytes: data.subarray(0, length), compressed: kind !== raw && kind !== rle, first: false };
  }
}
