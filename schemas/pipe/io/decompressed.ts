/** Decompresses files, one after the other. */
export interface Decoder {
  /** Starts a file. Calls `put` with each piece of its contents. */
  start(put: (plain: Buffer) => void): void;
  /** Decompresses these bytes. Rejects if they are damaged. */
  write(piece: Buffer): Promise<void>;
  /** Notes that the caller has processed this many bytes. */
  taken(bytes: number): void;
  /** Returns whether the file is complete. */
  end(): Promise<boolean>;
  close(): void;
}

/** The file ends in the middle, or is damaged. */
export class DamagedError extends Error {}

const newline = 10;
/** It is decompressed no further ahead than this (bytes). */
const limit = 1 << 21;
/** A line that is longer than this (bytes) is passed on in pieces. */
const longLine = 1 << 20;

/**
 * The contents of a compressed file, in whole lines. If the file is cut off in the middle, so is its last line, which is left
 * out.
 */
export class Decompressed {
  readonly #chunks: Buffer[] = [];
  #held = 0;
  #whole = 0; // this many of the bytes held are whole lines
  /** Resolves when the decoder is free again. */
  readonly over: Promise<void>;
  #ended = false;
  #left = false;
  #error: Error | undefined;
  #wake = () => {};
  #resume = () => {};

  /** `next` returns the next piece of the compressed bytes; an empty one at the end. */
  constructor(
    private readonly decoder: Decoder,
    next: () => Promise<Buffer>,
  ) {
    decoder.start((plain) => this.#put(plain));
    this.over = this.#decompress(next);
  }

  /** Returns bytes that are there; undefined if there are none yet. */
  now(into: Buffer): number | undefined {
    if (this.#whole === 0) return undefined;
    const wanted = Math.min(into.length, this.#whole);
    let bytes = 0;
    while (bytes < wanted) {
      const chunk = this.#chunks[0] as Buffer;
      const copied = chunk.copy(into, bytes, 0, wanted - bytes);
      bytes += copied;
      if (copied === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(copied);
    }
    this.#whole -= bytes;
    this.#held -= bytes;
    this.decoder.taken(bytes);
    if (this.#held <= limit) this.#resume();
    return bytes;
  }

  /** Resolves to the bytes read, 0 at the end, -1 after `leave()`. Rejects with DamagedError after the last whole line. */
  async read(into: Buffer): Promise<number> {
    while (this.#whole === 0 && !this.#ended && !this.#left)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#left) return -1;
    const bytes = this.now(into);
    if (bytes === undefined && this.#error) throw this.#error;
    return bytes ?? 0;
  }

  leave(): void {
    this.#left = true;
    this.decoder.taken(this.#held);
    this.#held = this.#whole = 0;
    this.#wake();
    this.#resume();
  }

  #put(plain: Buffer): void {
    if (this.#left) {
      this.decoder.taken(plain.length);
      return;
    }
    this.#chunks.push(plain);
    const last = plain.lastIndexOf(newline);
    if (last >= 0) this.#whole = this.#held + last + 1;
    this.#held += plain.length;
    if (this.#held - this.#whole > longLine) this.#whole = this.#held;
    if (this.#whole > 0) this.#wake();
  }

  async #decompress(next: () => Promise<Buffer>): Promise<void> {
    try {
      for (let piece = await next(); piece.length > 0 && !this.#left; ) {
        const following = next();
        following.catch(() => {}); // it is awaited below
        await this.decoder.write(piece);
        piece = await following;
        while (this.#held > limit && !this.#left)
          await new Promise<void>((resolve) => {
            this.#resume = resolve;
          });
      }
      if (!this.#left && !(await this.decoder.end())) this.#error = new DamagedError('is truncated');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      this.#error =
        code === undefined || code.startsWith('Z_') ? new DamagedError(`is damaged (${message})`) : (error as Error);
    }
    if (!this.#error) this.#whole = this.#held;
    this.#ended = true;
    this.#wake();
  }
}
