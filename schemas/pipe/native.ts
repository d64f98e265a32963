import { fileURLToPath } from 'node:url';

/** What is made for this platform: the addons, and the BPF objects. */
export const native = (file: string) =>
  fileURLToPath(new URL(`../../native/${process.platform}-${process.arch}/${file}`, import.meta.url));
