import { type FileHandle, open } from 'node:fs/promises';
import { ErrorWithRemedy } from '../../schemas/pipe/messages/errors.js';
import { type Codec, type Compression, loadCodec } from './codec.js';
import { fill, setAside } from './repair.js';

const newline = 10;
const piece = 1 << 20;
/** No member is larger. */
const longest = 1 << 27;

/**
 * Makes a compressed file end with a whole member again after a crash. What follows the last whole piece is moved to PATH.torn.
 * Returns a description of the repair, or undefined if none was needed. Throws ErrorWithRemedy if sink-file did not write the
 * file.
 */
export async function repairCompressed(path: string, size: number, kind: Compression): Promise<string | undefined> {
  if (size === 0) return undefined;
  const codec = await loadCodec(kind);
  const found = await open(path, 'r'); // read-only: a file that needs no repair may be append-only
  try {
    const start = await lastMember(found, size, codec.header);
    if (start === undefined && (await isPart(found, size, codec.header)))
      return await repairEnd(path, { end: 0, missing: Buffer.alloc(0), size });
    if (start === undefined || size - start > longest)
      throw new ErrorWithRemedy(`it is not a ${kind} file of sink-file`, 'move it away');
    const member = Buffer.allocUnsafe(size - start);
    await fill(found, member, start);
    const { end, missing } = wholePart(codec, member);
    if (end === member.length && missing.length === 0) return undefined;
    return await repairEnd(path, { end: start + end, missing, size });
  } finally {
    await found.close();
  }
}

/** Whether the file is the beginning of a header, and no more. */
async function isPart(file: FileHandle, size: number, header: Buffer): Promise<boolean> {
  if (size >= header.length) return false;
  const bytes = Buffer.alloc(size);
  await fill(file, bytes, 0);
  return header.subarray(0, size).equals(bytes);
}

/** Returns how much of a member is whole, and what this part lacks. */
function wholePart(codec: Codec, member: Buffer): { end: number; missing: Buffer } {
  for (const end of [member.length, ...codec.ends(member).reverse()]) {
    try {
      const { content, missing } = codec.read(member.subarray(0, end));
      if (content.at(-1) === newline || missing.length === 0) return { end, missing };
    } catch {} // the end of a piece is before that
  }
  return { end: 0, missing: Buffer.alloc(0) };
}

async function repairEnd(path: string, { end, missing, size }: { end: number; missing: Buffer; size: number }) {
  const file = await open(path, 'r+');
  try {
    if (end < size) {
      await setAside(file, end, size, `${path}.torn`);
      await file.truncate(end);
    }
    await file.write(missing, 0, missing.length, end);
  } finally {
    await file.close();
  }
  return end < size
    ? `its end was torn; moved its last ${size - end} bytes to ${path}.torn`
    : 'it was not closed; completed it';
}

/** Returns where the last member starts; undefined if there is none. */
async function lastMember(file: FileHandle, size: number, header: Buffer): Promise<number | undefined> {
  const buffer = Buffer.allocUnsafe(piece + header.length);
  for (let end = size; end > 0; end -= piece) {
    const from = Math.max(0, end - piece);
    const bytes = buffer.subarray(0, Math.min(size, end + header.length) - from);
    await fill(file, bytes, from);
    const at = bytes.lastIndexOf(header);
    if (at >= 0) return from + at;
  }
  return undefined;
}
