import { crc32 } from 'node:zlib';
import type { Codec } from './codec.js';

const nothing: Buffer = Buffer.alloc(0);

/** Compresses the lines of one file. Each write is one piece, which is complete on disk or was taken back. */
export class Compressor {
  #compress: ((bytes: Buffer) => Promise<Buffer>) | undefined;
  #checksum = 0; // of the member's content on disk
  #length = 0;
  #owed = nothing; // the trailer of the member before

  constructor(private readonly codec: Codec) {}

  /** Returns what to write for these lines. Must be followed by `written` or `failed`. */
  async compress(bytes: Buffer): Promise<Buffer> {
    const parts: Buffer[] = [this.#owed];
    if (!this.#compress) {
      this.#compress = this.codec.start();
      this.#checksum = this.#length = 0;
      parts.push(this.codec.header);
    }
    return Buffer.concat([...parts, await this.#compress(bytes)]);
  }

  /** The lines are in the file. */
  written(bytes: Buffer): void {
    this.#owed = nothing;
    this.#checksum = crc32(bytes, this.#checksum);
    this.#length += bytes.length;
    if (this.#length > this.codec.limit()) this.#endMember();
  }

  /** Nothing of the last `compress` is in the file. The next lines go into another member. */
  failed(): void {
    this.#endMember();
  }

  /** Returns what completes the file. With `empty`, nothing was ever written to it. */
  end(empty = false): Buffer {
    if (empty) return Buffer.concat([this.codec.header, this.codec.trailer(0, 0)]);
    const open = this.#compress && this.#length > 0;
    return open ? this.codec.trailer(this.#checksum, this.#length) : this.#owed;
  }

  #endMember(): void {
    this.#owed = this.end();
    this.#compress = undefined;
  }
}
