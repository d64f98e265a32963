import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/** How often it is written, ms: as often as it is scraped, mostly. */
const everyMs = 15_000;

/** Writes texts to a file, each as the whole of it. `write` throws RuntimeError. */
export interface FileWriter {
  write(text: string): Promise<void>;
  close(): void;
}

/** Where a file is written before it is renamed: beside it, and not *.prom, so that nobody reads it. */
export const unfinished = (path: string) => join(dirname(path), `.${basename(path)}.${process.pid}`);

export function cannotWrite(path: string, error: unknown): RuntimeError {
  return new RuntimeError(`cannot write metrics ${path}: ${cause(error)}; ${remedy(error)}`);
}

function directly(path: string): FileWriter {
  const other = unfinished(path);
  return {
    async write(text) {
      try {
        await rm(other, { force: true });
        await writeFile(other, text, { flag: 'wx', mode: 0o644 });
        await chmod(other, 0o644); // whatever the umask: it is for others, and holds no more than numbers
        await rename(other, path);
      } catch (error) {
        await rm(other, { force: true }).catch(() => {});
        throw cannotWrite(path, error);
      }
    },
    close() {},
  };
}

/**
 * Keeps a file up to date, for node_exporter's textfile collector, which reads it under another user: always whole, by
 * rename. Throws RuntimeError if it cannot be written at the start; later failures are passed to `failed`, once until it
 * can be written again. `open` makes what writes it after the first time.
 */
export async function keep(
  path: string,
  text: () => string,
  failed: (message: string) => void,
  every = everyMs,
  open = directly,
): Promise<{ close(): Promise<void> }> {
  await directly(path).write(text());
  const file = open(path);
  let reported = false;
  const again = async () => {
    try {
      await file.write(text());
      reported = false;
    } catch (error) {
      if (!reported) failed((error as Error).message);
      reported = true;
    }
  };
  let last = Promise.resolve();
  const timer = setInterval(() => {
    last = last.then(again);
  }, every).unref();
  return {
    async close() {
      clearInterval(timer);
      await last;
      await again();
      file.close();
    },
  };
}
