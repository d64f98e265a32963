import { Worker } from 'node:worker_threads';
import { dist } from '../../schemas/pipe/io/dist.js';
import { ownStreams } from '../../schemas/pipe/io/own-streams.js';

export type Archive = 'gzip' | 'zstd' | 'parquet';

/** The suffix that each kind of archive adds to the file's name. */
export const suffixes = { gzip: '.gz', zstd: '.zst', parquet: '.parquet' } satisfies Record<Archive, string>;

/** A message to the worker thread. */
export interface ArchiveJob {
  kind: Archive;
  from: string;
  to: string;
  /** When the file was last written (ms since the epoch). The archive gets the same modification time. */
  modified: number;
}

/** Archives files in a worker thread, one after the other, so that the stream of events is not delayed. */
export class Archiver {
  #worker: Worker | undefined;

  constructor(private readonly kind: Archive) {}

  /** Starts the thread, which takes as long as compressing 20 MB: when the first file is closed, it is ready. */
  start(): Worker {
    if (this.#worker) return this.#worker;
    const worker = new Worker(new URL('sinks/file/archive-worker.cjs', dist), ownStreams);
    worker.on('error', () => {
      this.#worker = undefined;
    });
    this.#worker = worker;
    return worker;
  }

  /** Archives the file `from` as `to` and syncs it to disk. */
  make(from: string, to: string, modified: number): Promise<void> {
    const worker = this.start();
    return new Promise((resolve, reject) => {
      const finish = (error?: object) => {
        worker.off('message', finish).off('error', finish);
        if (error) reject(error);
        else resolve();
      };
      worker.on('message', finish).on('error', finish);
      worker.postMessage({ kind: this.kind, from, to, modified } satisfies ArchiveJob);
    });
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
  }
}
