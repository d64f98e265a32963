import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cause, RuntimeError, remedy } from '../messages/errors.js';

/** How often the file is written (ms): about as often as it is scraped. */
const everyMs = 15_000;

/** Writes a file: each text replaces the whole content. `write` throws RuntimeError. */
export interface FileWriter {
  write(text: string): Promise<void>;
  close(): void;
}

/** Returns the temporary path: in the same folder, and not *.prom, so that node_exporter does not read it. */
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
        await chmod(other, 0o644); // despite the umask: others must read it, and it contains only numbers
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
 * Keeps a file up to date for node_exporter's textfile collector, which reads it as another user. Each update is atomic, by
 * rename. Throws RuntimeError if the first write fails. Calls `failed` for a later failure, once until a write succeeds again.
 * `open` makes the writer for all writes after the first.
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
