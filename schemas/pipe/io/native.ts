import { fileURLToPath } from 'node:url';

/** From the sources, as the tests have it, it is where the build puts it. */
const folder = new URL(import.meta.url.endsWith('.ts') ? '../../../dist/native/' : '../../../native/', import.meta.url);

/** What is made for this platform: the addons, and the BPF objects. */
export const native = (file: string) => fileURLToPath(new URL(`${process.platform}-${process.arch}/${file}`, folder));
