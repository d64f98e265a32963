import { type FileHandle, open } from 'node:fs/promises';
import { Line } from '../../schemas/pipe/line/line.js';
import { lineLimit } from '../../schemas/pipe/line/line-splitter.js';
import { openBeside } from './beside.js';

const newline = 10;
const piece = 1 << 16;

/**
 * Makes a file end with a whole line again after a crash in the middle of one. What follows the last newline is moved to
 * PATH.torn; if it is a whole event that only lacks its newline, the newline is added.
 * Returns a description of the repair, or undefined if none was needed.
 */
export async function repair(path: string, size: number): Promise<string | undefined> {
  if (size === 0) return undefined;
  const found = await open(path, 'r'); // read-only: a file that needs no repair may be append-only
  const start = await lastLineStart(found, size).finally(() => found.close());
  if (start === size) return undefined;
  const file = await open(path, 'r+');
  try {
    if (await wholeEvent(file, start, size)) {
      await file.write('\n', size);
      return 'the last line had no newline; added it';
    }
    await setAside(file, start, size, `${path}.torn`);
    await file.truncate(start);
    return `the last line was torn; moved its ${size - start} bytes to ${path}.torn`;
  } finally {
    await file.close();
  }
}

/** Returns the offset just past the last newline. */
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

/** Appends file[start..size) to the file `beside`, and a newline. */
export async function setAside(file: FileHandle, start: number, size: number, beside: string): Promise<void> {
  const torn = await openBeside(beside);
  try {
    const buffer = Buffer.allocUnsafe(piece);
    for (let from = start; from < size; from += piece) {
      const bytes = buffer.subarray(0, Math.min(piece, size - from));
      await fill(file, bytes, from);
      await torn.appendFile(bytes);
    }
    await torn.appendFile('\n');
    await torn.datasync(); // must be on disk before the file is truncated
  } finally {
    await torn.close();
  }
}

export async function fill(file: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const { bytesRead } = await file.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw new Error('the file shrank while it was read');
    done += bytesRead;
  }
}
