/** Worker thread that writes archives: receives a job and replies with an error, or with undefined if it succeeded. */
import { createReadStream } from 'node:fs';
import { open, stat, unlink } from 'node:fs/promises';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parentPort } from 'node:worker_threads';
import * as zlib from 'node:zlib';
import { applyAccess } from './access.js';
import type { ArchiveJob } from './archive.js';
import { writeParquet } from './parquet.js';

const piece = 1 << 18;

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
    else {
      const source = createReadStream(from, { highWaterMark: piece });
      await pipeline(source, kind === 'gzip' ? zlib.createGzip() : await zstd(), async (compressed) => {
        for await (const bytes of compressed) await file.appendFile(bytes);
      });
    }
    const { mode, gid } = await stat(from);
    await applyAccess(file, await file.stat(), { mode: mode & 0o777, group: gid });
    await file.utimes(modified / 1000, modified / 1000);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Compresses a stream into one zstd frame, with Node's own zstd if it has one. */
async function zstd(): Promise<Transform> {
  const { createZstdCompress } = zlib as unknown as { createZstdCompress?(): Transform };
  if (createZstdCompress) return createZstdCompress();
  const { loadZstd } = await import('../../schemas/pipe/io/load-zstd.js');
  const encoder = await loadZstd();
  encoder.reset();
  return new Transform({
    transform: (bytes, _, done) => done(null, Buffer.from(encoder.compressChunk(bytes))),
    flush: (done) => done(null, Buffer.from(encoder.compressEnd())),
  });
}
