import { Writable } from 'node:stream';
import { isPipe, writeFile } from '../io/fd.js';

/**
 * Replaces process.stderr if it is a pipe or a socket. Node opens the original as soon as any socket of the process closes,
 * and makes it non-blocking for every process that shares it, such as a command run by the collector. Their writes would
 * then fail with EAGAIN.
 */
export function keepStderrBlocking(): void {
  if (!isPipe(2)) return;
  let stream: Writable | undefined;
  Object.defineProperty(process, 'stderr', {
    configurable: true,
    get() {
      stream ??= new Writable({
        write(chunk, _, done) {
          try {
            writeFile(2, chunk);
          } catch {} // the reader is gone
          done();
        },
      });
      return stream;
    },
  });
}
