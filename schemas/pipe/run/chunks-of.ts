import type { Source } from '../io/source.js';
import type { Stage } from '../stage/stage.js';
import { fuseStrictly } from './fuse.js';

/**
 * Yields the lines of a source, for programs: in chunks, after the stage that belongs to the source. Throws RuntimeError at the
 * first invalid line. The source ends when the consumer stops.
 */
export async function* chunksOf({ source, stage }: { source: Source; stage: Stage }): AsyncGenerator<Uint8Array, void> {
  let succeeded = false;
  try {
    for await (const bytes of fuseStrictly([stage], source)) yield Buffer.from(bytes);
    succeeded = true;
  } finally {
    source.leave();
    await source.end?.(succeeded);
  }
}
