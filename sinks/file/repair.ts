import { type FileHandle, open } from 'node:fs/promises';
import { Line } from '../../schemas/pipe/line/line.js';
import { lineLimit } from '../../schemas/pipe/line/line-splitter.js';
import { openBeside } from './beside.js';

const newline = 10;
const piece = 1 << 16;

/**
 * Makes a file end at a whole line again, after a crash in the middle of one. What follows the last newline is cut off
 * and appended to PATH.torn; a whole event that only lacks its newline gets it.
 * Returns what was done, to be told; undefined where nothing had to be.
 */
export async function repair(path: string, size: number): Promise<string | undefined> {
  if (size === 0) return undefined;
  const found = await open(path, 'r'); // a file may be append-only, and as long as it is whole that is enough
  const start = await lastLineStart(found, size).finally(() => found.close());
  if (start === size) return undefined;
  const file = await open(path, 'r+');
  try {
    if (await wholeEvent(file, start, size)) {
      await file.write('\n', size);
      return 'the last line lacked its newline; added it';
    }
    await setAside(file, start, size, `${path}.torn`);
    await file.truncate(start);
    return `the last line was torn; moved its ${size - start} bytes to ${path}.torn`;
  } finally {
    await file.close();
  }
}

/** The offset behind the last newline. */
async function lastLineStart(file: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.allocUnsafe(piece);
  for (let end = size; end > 0; end -= piece) {
    const from = Math.max(0, end - piece);
    await fill(file, buffer.subarray(0, end - from), from);
    const at = buffer.subarray(0, end - from).lastIndexOf(newline);
    if (at >= 0) return from + at + 1;
  }
  return 0;
}

async function wholeEvent(file: FileHandle, start: number, size: number): Promise<boolean> {
  if (size - start > lineLimit) return false;
  const bytes = Buffer.allocUnsafe(size - start);
  await fill(file, bytes, start);
  return new Line().take(bytes, 0, bytes.length) === undefined;
}

async function setAside(file: FileHandle, start: number, size: number, beside: string): Promise<void> {
  const torn = await openBeside(beside);
  try {
    const buffer = Buffer.allocUnsafe(piece);
    for (let from = start; from < size; from += piece) {
      const bytes = buffer.subarray(0, Math.min(piece, size - from));
      await fill(file, bytes, from);
      await torn.appendFile(bytes);
    }
    await torn.appendFile('\n');
    await torn.datasync(); // it must be safe before it is cut off
  } finally {
    await torn.close();
  }
}

async function fill(file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new Error('it became shorter while it was read');
    done += bytesRead;
  }
}
