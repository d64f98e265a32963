import { fileURLToPath } from 'node:url';
import { dist } from './dist.js';

/** Returns the path of a native file for this platform: an addon or a BPF object. */
export const native = (file: string) =>
  fileURLToPath(new URL(`native/${process.platform}-${process.arch}/${file}`, dist));
