const word = 4;
const first = 1 << 12;

/** A buffer that grows. */
export class ByteBuffer {
  buffer: Buffer = Buffer.from(new ArrayBuffer(first));
  length = 0;
  #view = viewOf(this.buffer);
  #from: Uint8Array = this.buffer; // what #fromView shows
  #fromView = this.#view;

  /** Makes room for `more` bytes, and for two words of padding after them. */
  need(more: number): void {
    const needed = this.length + more + 2 * word;
    if (needed > this.buffer.length) this.grow(needed);
  }

  protected grow(needed: number): void {
    const larger = Buffer.from(new ArrayBuffer(2 ** Math.ceil(Math.log2(needed))));
    this.buffer.copy(larger, 0, 0, this.length);
    this.buffer = larger;
    this.#view = viewOf(larger);
  }

  /** Appends from[start..end). There must be room for it. Copies word by word, which is faster than set() for a few bytes. */
  copy(from: Uint8Array, start: number, end: number): void {
    if (from !== this.#from) {
      this.#from = from;
      this.#fromView = viewOf(from);
    }
    const [view, other] = [this.#view, this.#fromView];
    let to = this.length;
    let at = start;
    for (; at < end && at + word <= from.length; at += word, to += word) view.setInt32(to, other.getInt32(at));
    for (; at < end; at++) this.buffer[to++] = from[at] as number;
    this.length += end - start;
  }

  /** Fills the last word with zeros. */
  pad(): void {
    this.#view.setInt32(this.length, 0);
  }
}

/** The words of a key of `length` bytes, from `words[from]` on. The last word is padded with zeros. */
export interface KeyWords {
  readonly words: Uint32Array;
  readonly from: number;
  readonly length: number;
}

/** The bytes of a key, and the same as words. The last word is padded with zeros. */
export class KeyBytes extends ByteBuffer {
  words = wordsOf(this.buffer);

  protected override grow(needed: number): void {
    super.grow(needed);
    this.words = wordsOf(this.buffer);
  }
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
const wordsOf = (bytes: Buffer) => new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.length / word);
