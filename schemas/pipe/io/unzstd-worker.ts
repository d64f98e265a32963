/** Worker thread that decompresses zstd: receives pieces of a file, replies with pieces of its contents. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Zstd } from '@hpcc-js/wasm-zstd';
import { loadZstd } from './load-zstd.js';
import type { UnzstdReply } from './unzstd.js';
import { blockBytes, ZstdBlocks } from './zstd-blocks.js';

/** The reader has this many bytes at most that it has not processed. */
const ahead = 1 << 22;

const waiting = new Int32Array(workerData as SharedArrayBuffer);
const decoder = loadZstd();
let blocks = new ZstdBlocks();

parentPort?.on('message', async (piece: Uint8Array | 'start') => {
  if (piece === 'start') {
    blocks = new ZstdBlocks();
    return;
  }
  try {
    decompress(await decoder, Buffer.from(piece.buffer, piece.byteOffset, piece.length));
    reply({ complete: blocks.complete });
  } catch (error) {
    reply({ complete: false, error: (error as Error).message });
  }
});

function decompress(zstd: Zstd, piece: Buffer): void {
  for (const { bytes, compressed, first } of blocks.add(piece)) {
    if (first) zstd.reset();
    const plain = zstd.decompressChunk(bytes, blockBytes);
    if (plain.length > 0) put(plain);
    else if (compressed) throw new Error('invalid block');
  }
}

function put(plain: Uint8Array): void {
  for (let bytes = Atomics.load(waiting, 0); bytes > ahead; bytes = Atomics.load(waiting, 0))
    Atomics.wait(waiting, 0, bytes);
  Atomics.add(waiting, 0, plain.length);
  const own = plain.byteLength === plain.buffer.byteLength ? plain : plain.slice();
  parentPort?.postMessage({ plain: own } satisfies UnzstdReply, [own.buffer as ArrayBuffer]);
}

function reply(message: UnzstdReply): void {
  parentPort?.postMessage(message);
}
