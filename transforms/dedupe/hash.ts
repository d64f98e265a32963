/** The hash of this many words is hashed with the next ones, as a word before them. */
const wordsAtOnce = 128;
const factors = Int32Array.from({ length: 2 * (wordsAtOnce + 1) }, () => Math.random() * 2 ** 32);

/**
 * Returns a hash of `count` words; its upper bits are the best. Each half of a word has a different random factor
 * (multiply-shift by Dietzfelbinger), so nobody can choose keys that collide.
 */
export function hashWords(words: Uint32Array, from: number, count: number, seed: number): number {
  let hash = seed;
  for (let at = from, end = from + count; at < end; ) {
    const stop = Math.min(at + wordsAtOnce, end);
    hash = product(hash, 0);
    for (let i = 2; at < stop; at++, i += 2) hash = (hash + product(words[at] as number, i)) | 0;
  }
  return hash;
}

const product = (word: number, at: number) =>
  (Math.imul(word & 0xffff, factors[at] as number) + Math.imul(word >>> 16, factors[at + 1] as number)) | 0;
