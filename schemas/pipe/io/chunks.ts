import type { Input } from './input.js';

/**
 * Makes an input from chunks of bytes. What does not fit into one read is returned by the next. `leave` ends the current read
 * and all later ones with -1.
 */
export function fromChunks(chunks: AsyncIterator<Uint8Array>): Input & { leave(): void } {
  let rest: Uint8Array = Buffer.alloc(0);
  let left = false;
  let end = () => {};
  /** Resolves to undefined after `leave`. */
  const next = () =>
    new Promise<IteratorResult<Uint8Array> | undefined>((resolve, reject) => {
      end = () => resolve(undefined);
      if (left) end();
      else chunks.next().then(resolve, reject);
    });
  return {
    leave() {
      left = true;
      end();
    },
    async read(into) {
      while (rest.length === 0 || left) {
        const chunk = await next();
        if (!chunk) return -1;
        if (chunk.done) return 0;
        rest = chunk.value;
      }
      const part = rest.subarray(0, into.length);
      into.set(part);
      rest = rest.subarray(part.length);
      return part.length;
    },
  };
}
