/** Worker thread that writes archives: receives a job and replies with an error, or with undefined if it succeeded. */
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open, stat, unlink } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import * as zlib from 'node:zlib';
import { applyAccess } from './access.js';
import type { ArchiveJob } from './archive.js';
import { writeParquet } from './parquet.js';

/** Compresses the next piece. The last one is empty. Returns what can be written so far. */
type Encoder = (bytes: Buffer, last: boolean) => Promise<Uint8Array>;

/** How many bytes are compressed at once, and how many of the result are returned at once. */
const [piece, chunkSize] = [1 << 20, 1 << 17];

parentPort?.on('message', async (job: ArchiveJob) => {
  try {
    await archive(job);
    parentPort?.postMessage(undefined);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    parentPort?.postMessage({ code, message });
  }
});

async function archive({ kind, from, to, modified }: ArchiveJob): Promise<void> {
  const file = await open(to, 'wx', 0o600).catch(async (error) => {
    if (error.code !== 'EEXIST') throw error;
    await unlink(to); // left by a run that could not finish
    return open(to, 'wx', 0o600);
  });
  try {
    if (kind === 'parquet') writeParquet(from, file.fd);
    else await compress(from, file, kind === 'gzip' ? streamed(zlib.createGzip({ chunkSize })) : await zstd());
    const { mode, gid } = await stat(from);
    await applyAccess(file, await file.stat(), { mode: mode & 0o777, group: gid });
    await file.utimes(modified / 1000, modified / 1000);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Compresses a file. All pieces are read into the same memory: new memory for each takes half as long as compressing it. */
async function compress(from: string, to: FileHandle, encode: Encoder): Promise<void> {
  const [source, memory] = [openSync(from, 'r'), Buffer.allocUnsafe(piece)];
  try {
    for (let length = piece; length > 0; ) {
      length = readSync(source, memory);
      await to.appendFile(await encode(memory.subarray(0, length), length === 0));
    }
  } finally {
    closeSync(source);
  }
}

function streamed(stream: zlib.Gzip): Encoder {
  const compressed: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => compressed.push(bytes));
  return async (bytes, last) => {
    if (last) await once(stream.end(), 'end');
    else
      await new Promise<void>((resolve, reject) => stream.write(bytes, (error) => (error ? reject(error) : resolve())));
    return Buffer.concat(compressed.splice(0));
  };
}

/** Makes one zstd frame, with Node's own zstd if it has one. */
async function zstd(): Promise<Encoder> {
  const { createZstdCompress } = zlib as unknown as { createZstdCompress?(options: object): zlib.Gzip };
  if (createZstdCompress) return streamed(createZstdCompress({ chunkSize }));
  const { loadZstd } = await import('../../schemas/pipe/io/load-zstd.js');
  const encoder = await loadZstd();
  encoder.reset();
  return async (bytes, last) => (last ? encoder.compressEnd() : encoder.compressChunk(bytes));
}
