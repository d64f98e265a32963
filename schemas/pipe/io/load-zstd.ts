import { Zstd } from '@hpcc-js/wasm-zstd';

/** The part of the package's wrapper that copies results out of the memory of WebAssembly. */
interface Heap {
  heapView(part: object): Uint8Array;
  heapToUint8Array(part: object): Uint8Array;
}

/**
 * Loads zstd as WebAssembly, for a Node that has none itself. The package (1.12.5) copies results byte by byte through an array of
 * numbers, which takes 40 times as long as the decompression; here they are copied at once.
 */
export async function loadZstd(): Promise<Zstd> {
  const zstd = await Zstd.load();
  const { _mainModule: heap } = zstd as unknown as { _mainModule: Heap };
  heap.heapToUint8Array = (part) => heap.heapView(part).slice();
  return zstd;
}
