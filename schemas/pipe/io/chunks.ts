import type { Input } from './input.js';

/** Makes an input from chunks of bytes. What does not fit into one read is returned by the next. */
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
