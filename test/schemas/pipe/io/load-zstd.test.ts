import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadZstd } from '../../../../schemas/pipe/io/load-zstd.js';

test('zstd in WebAssembly copies its results at once, not byte by byte', async (t) => {
  const zstd = await loadZstd();
  const text = Buffer.from('{"type":"outcome"}\n'.repeat(10_000));
  const bytes = Object.getPrototypeOf(Uint8Array.prototype);
  t.mock.method(bytes, Symbol.iterator as never, (() => assert.fail('reads single bytes')) as never);
  const compressed = zstd.compress(text);
  zstd.reset();
  const plain = zstd.decompressChunk(compressed, 1 << 18);
  t.mock.restoreAll();
  assert.deepEqual(Buffer.from(plain), text);
});
