import { chmod, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { cause, RuntimeError, remedy } from '../errors.js';

/** How often it is written, ms: as often as it is scraped, mostly. */
const everyMs = 15_000;

/**
 * Keeps a file up to date, for node_exporter's textfile collector, which reads it under another user: always whole, by
 * rename. Throws RuntimeError where it cannot be written at the start; later `failed` is told, once for each time of it.
 */
export async function keep(
  path: string,
  text: () => string,
  failed: (message: string) => void,
  every = everyMs,
): Promise<{ close(): Promise<void> }> {
  const other = join(dirname(path), `.${basename(path)}.${process.pid}`); // not *.prom, so nobody reads it
  const write = async () => {
    try {
      await rm(other, { force: true });
      await writeFile(other, text(), { flag: 'wx', mode: 0o644 });
      await chmod(other, 0o644); // whatever the umask: it is for others, and holds no more than numbers
      await rename(other, path);
    } catch (error) {
      await rm(other, { force: true }).catch(() => {});
      throw new RuntimeError(`cannot write metrics ${path}: ${cause(error)}; ${remedy(error)}`);
    }
  };
  await write();
  let told = false;
  const again = async () => {
    try {
      await write();
      told = false;
    } catch (error) {
      if (!told) failed((error as Error).message);
      told = true;
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
    },
  };
}
