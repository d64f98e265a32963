import { Worker } from 'node:worker_threads';
import type { Decoder } from './decompressed.js';
import { dist } from './dist.js';
import { ownStreams } from './own-streams.js';

/** What the worker thread replies: a piece of the contents; or, at the end of a piece that it was sent, what it found. */
export type UnzstdReply = { plain: Uint8Array } | { complete: boolean; error?: string };

/** Decompresses zstd in a worker thread. It starts at the first use, and serves one file after the other. */
export class Unzstd implements Decoder {
  readonly #waiting = new Int32Array(new SharedArrayBuffer(4));
  #worker: Worker | undefined;
  #put: (plain: Buffer) => void = () => {};
  #replied: (error?: Error) => void = () => {};
  #complete = true;

  start(put: (plain: Buffer) => void): void {
    this.#put = put;
    this.#complete = true;
    this.#worker ??= new Worker(new URL('schemas/pipe/io/unzstd-worker.cjs', dist), {
      ...ownStreams,
      workerData: this.#waiting.buffer,
    })
      .on('error', (error) => this.#replied(error))
      .on('message', (reply: UnzstdReply) => this.#take(reply));
    this.#worker.postMessage('start');
  }

  write(piece: Buffer): Promise<void> {
    const copy = new Uint8Array(piece);
    this.#worker?.postMessage(copy, [copy.buffer]);
    return new Promise((resolve, reject) => {
      this.#replied = (error) => (error ? reject(error) : resolve());
    });
  }

  taken(bytes: number): void {
    Atomics.sub(this.#waiting, 0, bytes);
    Atomics.notify(this.#waiting, 0);
  }

  async end(): Promise<boolean> {
    return this.#complete;
  }

  close(): void {
    void this.#worker?.terminate();
  }

  #take(reply: UnzstdReply): void {
    if ('plain' in reply) {
      this.#put(Buffer.from(reply.plain.buffer, reply.plain.byteOffset, reply.plain.length));
      return;
    }
    this.#complete = reply.complete;
    this.#replied(reply.error === undefined ? undefined : new Error(reply.error));
  }
}
