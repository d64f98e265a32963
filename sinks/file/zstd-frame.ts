import { frameHeader } from '../../schemas/pipe/io/zstd-blocks.js';

/**
 * Finds the ends of the blocks of one zstd frame (RFC 8878, 3.1.1) that may be cut. `ended` is whether the last of them is the
 * end of the frame. Throws if these bytes do not start with a frame, or if the frame has a checksum.
 */
export function frameEnds(bytes: Buffer): { ends: number[]; ended: boolean } {
  if (bytes.length < 6) return { ends: [], ended: false };
  const { length, hasChecksum } = frameHeader(bytes);
  if (hasChecksum) throw new Error('not a frame of sink-file');
  const ends: number[] = [];
  for (let at = length; at + 3 <= bytes.length; ) {
    const header = bytes.readUIntLE(at, 3);
    const [last, type, size] = [header & 1, (header >> 1) & 3, header >> 3];
    at += 3 + (type === 1 ? 1 : size); // a run is one byte
    if (at > bytes.length) break;
    ends.push(at);
    if (last) return { ends, ended: true };
  }
  return { ends, ended: false };
}
