import type { FileHandle } from 'node:fs/promises';

export async function writeParquet(from: string, to: FileHandle): Promise<void> {
  throw new Error(`not yet: ${from} ${to.fd}`);
}
