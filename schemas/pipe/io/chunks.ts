import type { Input } from '../run/pipeline-runner.js';

/** Chunks of bytes as an input: what does not fit at once comes with the next read. */
export function fromChunks(chunks: AsyncIterator<Uint8Array>): Input {
  let rest: Uint8Array = Buffer.alloc(0);
  return {
    async read(into) {
      while (rest.length === 0) {
        const next = await chunks.next();
        if (next.done) return 0;
        rest = next.value;
      }
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
  };
}
