import type { Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Decoder } from './decompressed.js';

/** Bytes that one call of zlib decompresses at most. */
const chunkSize = 1 << 18;

type Create = (options: { chunkSize: number }) => Transform;

/** The letter "a" in a frame of zstd. */
const frame = Buffer.from('28b52ffd200109000061', 'hex');

/**
 * Returns what decompresses zstd; undefined in Node before 22.15, which has nothing, and in those that stop silently after the
 * first of several frames (all of 22, the first of 24). The build, with an older Node, would not find it.
 */
export function zstdOfNode(): Create | undefined {
  const { createZstdDecompress, zstdDecompressSync } = process.getBuiltinModule('node:zlib') as {
    createZstdDecompress?: Create;
    zstdDecompressSync?(bytes: Buffer): Buffer;
  };
  return zstdDecompressSync?.(Buffer.concat([frame, frame])).length === 2 ? createZstdDecompress : undefined;
}

/** Decompresses gzip or zstd, with any number of members, in Node's thread pool. */
export class Unzip implements Decoder {
  #stream: Transform | undefined;
  #failed: (error: Error) => void = () => {};

  constructor(private readonly create: Create = createGunzip) {}

  start(put: (plain: Buffer) => void): void {
    this.#stream = this.create({ chunkSize })
      .on('data', put)
      .on('error', (error) => this.#failed(error));
  }

  write(piece: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#failed = reject;
      this.#stream?.write(piece, (error) => (error ? reject(error) : resolve()));
    });
  }

  taken(): void {}

  async end(): Promise<boolean> {
    try {
      await new Promise<void>((resolve, reject) => {
        this.#failed = reject;
        this.#stream?.on('end', resolve).end();
      });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'Z_BUF_ERROR') return false;
      throw error;
    }
  }

  close(): void {
    this.#stream?.destroy();
  }
}
