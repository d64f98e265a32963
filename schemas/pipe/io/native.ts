import { fileURLToPath } from 'node:url';

/** In a source tree, as in the tests, this is the build output. */
const folder = new URL(import.meta.url.endsWith('.ts') ? '../../../dist/native/' : '../../../native/', import.meta.url);

/** Returns the path of a native file for this platform: an addon or a BPF object. */
export const native = (file: string) => fileURLToPath(new URL(`${process.platform}-${process.arch}/${file}`, folder));
