import { Worker } from 'node:worker_threads';

export type Archive = 'gzip' | 'zstd' | 'parquet';

/** What an archive's name ends with. */
export const suffixes = { gzip: '.gz', zstd: '.zst', parquet: '.parquet' } satisfies Record<Archive, string>;

/** What the worker is asked for. */
export interface Job {
  kind: Archive;
  from: string;
  to: string;
  /** When the file was last written (ms), which becomes the archive's own time. */
  modified: number;
}

/** Makes archives of files, one after the other, in a thread of its own, so that events are not held up. */
export class Archiver {
  #worker: Worker | undefined;

  constructor(private readonly kind: Archive) {}

  /** Writes the archive of a file, and has the disk confirm it. */
  make(from: string, to: string, modified: number): Promise<void> {
    this.#worker ??= new Worker(new URL('./archive-worker.cjs', import.meta.url));
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const over = (error?: object) => {
        worker.off('message', over).off('error', failed);
        if (error) reject(error);
        else resolve();
      };
      const failed = (error: Error) => {
        this.#worker = undefined;
        over(error);
      };
      worker.on('message', over).on('error', failed);
      worker.postMessage({ kind: this.kind, from, to, modified } satisfies Job);
    });
  }

  async end(): Promise<void> {
    await this.#worker?.terminate();
  }
}
