import * as zlib from 'node:zlib';
import type { Zstd } from '@hpcc-js/wasm-zstd';
import { loadZstd } from '../../schemas/pipe/io/load-zstd.js';
import { frameEnds } from './zstd-frame.js';

export type Compression = 'gzip' | 'zstd';

/** What is known of a member, which a crash may have cut. */
export interface Member {
  content: Buffer;
  /** What it lacks: its trailer, or nothing. */
  missing: Buffer;
}

/**
 * A compressed file is a sequence of members (zstd calls them frames). A member is a header, pieces that can each be read as
 * soon as they are written, and a trailer.
 */
export interface Codec {
  /** What each member starts with. It occurs nowhere else, so the last member of a file can be found. */
  readonly header: Buffer;
  /** A member is ended once it has more content than this, so that little has to be read after a crash. */
  limit(): number;
  /** Starts a member. Returns the function that compresses its next piece. */
  start(): (bytes: Buffer) => Promise<Buffer>;
  trailer(checksum: number, length: number): Buffer;
  /** Reads a member. Throws if it does not end with its trailer or a whole piece. */
  read(member: Buffer): Member;
  /** Returns the places in a member where a piece may end, in ascending order. */
  ends(member: Buffer): number[];
}

const nothing = Buffer.alloc(0);
const memberLimit = 1 << 23;
/** More than any member's content: the limit and one write. */
const maxOutputLength = 1 << 26;
const syncMarker = Buffer.from('0000ffff', 'hex'); // deflate: an empty stored block
const lastBlock = Buffer.from('010000', 'hex'); // zstd: an empty last block

/** Node's own zstd, from 22.15 on. */
const own = () =>
  zlib as unknown as {
    createZstdCompress?(): zlib.DeflateRaw;
    zstdDecompressSync(bytes: Buffer, options: object): Buffer;
    constants: { ZSTD_e_flush: number };
  };
let wasm: Zstd | undefined;

const gzip: Codec = {
  // RFC 1952: an extra field with a subfield "sP" that contains "synpipe1"
  header: Buffer.from('1f8b08040000000000030c007350080073796e7069706531', 'hex'),
  limit: () => memberLimit,
  start: () => streamed(zlib.createDeflateRaw(), zlib.constants.Z_SYNC_FLUSH),
  trailer(checksum, length) {
    const trailer = Buffer.from([3, 0, 0, 0, 0, 0, 0, 0, 0, 0]); // an empty last block
    trailer.writeUInt32LE(checksum, 2);
    trailer.writeUInt32LE(length, 6);
    return trailer;
  },
  read(member) {
    const body = member.subarray(this.header.length);
    const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength, info: true };
    const inflated = zlib.inflateRawSync(body, options) as unknown as { buffer: Buffer; engine: zlib.InflateRaw };
    const { buffer: content } = inflated;
    const trailer = this.trailer(zlib.crc32(content), content.length);
    const rest = body.subarray(inflated.engine.bytesWritten);
    if (rest.length > 0 && !rest.equals(trailer.subarray(2))) throw new Error('trailing bytes');
    if (rest.length > 0) return { content, missing: nothing };
    zlib.gunzipSync(Buffer.concat([member, trailer]), { maxOutputLength }); // throws if the member ends within a block
    return { content, missing: trailer };
  },
  ends(member) {
    const found: number[] = [];
    for (let at = member.indexOf(syncMarker); at >= 0; at = member.indexOf(syncMarker, at + 1))
      found.push(at + syncMarker.length);
    return found;
  },
};

const zstd: Codec = {
  // RFC 8878: a skippable frame that contains "synpipe1"
  header: Buffer.from('502a4d180800000073796e7069706531', 'hex'),
  limit: () => (own().createZstdCompress ? memberLimit : 0),
  start() {
    const compressor = own().createZstdCompress?.();
    if (compressor) return streamed(compressor, own().constants.ZSTD_e_flush);
    return async (bytes) => Buffer.from((wasm as Zstd).compress(bytes)); // it cannot flush, so each piece is a whole frame
  },
  trailer: (_, length) => (length > 0 && own().createZstdCompress ? lastBlock : nothing),
  read(member) {
    const frame = member.subarray(this.header.length);
    if (frame.length === 0) return { content: nothing, missing: nothing };
    const { ends, ended } = frameEnds(frame);
    if (ends.at(-1) !== frame.length) throw new Error('trailing bytes');
    const missing = ended ? nothing : lastBlock;
    const whole = Buffer.concat([frame, missing]);
    if (own().createZstdCompress) return { content: own().zstdDecompressSync(whole, { maxOutputLength }), missing };
    wasm?.reset();
    return { content: Buffer.from((wasm as Zstd).decompressChunk(whole, maxOutputLength)), missing };
  },
  ends(member) {
    const { length } = this.header;
    return frameEnds(member.subarray(length)).ends.map((end) => end + length);
  },
};

/** Loads a codec. */
export async function loadCodec(kind: Compression): Promise<Codec> {
  if (kind === 'gzip') return gzip;
  if (!own().createZstdCompress) wasm ??= await loadZstd();
  return zstd;
}

/** Compresses pieces with a stream that is flushed after each of them. */
function streamed(stream: zlib.DeflateRaw, flush: number): (bytes: Buffer) => Promise<Buffer> {
  const compressed: Buffer[] = [];
  stream.on('data', (bytes: Buffer) => compressed.push(bytes));
  return (bytes) =>
    new Promise((resolve, reject) => {
      stream.once('error', reject);
      stream.write(bytes);
      stream.flush(flush, () => {
        stream.off('error', reject);
        resolve(Buffer.concat(compressed.splice(0)));
      });
    });
}
