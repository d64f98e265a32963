import { crc32 } from 'node:zlib';
import { Line } from '../../schemas/pipe/line/line.js';
import { lineLimit } from '../../schemas/pipe/line/line-splitter.js';

const newline = 10;

/** Splits bytes into lines without their newlines. The last line may have no newline. */
export function splitLines(bytes: Buffer): Buffer[] {
  const lines: Buffer[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(newline, start);
    const end = found < 0 ? bytes.length : found;
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return lines;
}

const event = new Line();
const isEvent = (line: Buffer, lenient: boolean) => {
  event.lenient = lenient;
  return line.length <= lineLimit && event.take(line, 0, line.length) === undefined;
};

/** Separates the lines that are valid events, or any objects (`good`), from the others (`bad`), both with newlines. */
export function separate(bytes: Buffer, lenient: boolean): { good: Buffer; bad: Buffer; badLines: number } {
  const all = splitLines(bytes);
  const bad = all.filter((line) => !isEvent(line, lenient));
  if (bad.length === 0) return { good: bytes, bad: Buffer.alloc(0), badLines: 0 };
  const left = new Set(bad);
  return { good: joined(all.filter((line) => !left.has(line))), bad: joined(bad), badLines: bad.length };
}

/** Returns the checksum of bytes, as written in their file's name. */
export const checksum = (bytes: Buffer): string => crc32(bytes).toString(16).padStart(8, '0');

const joined = (lines: Buffer[]) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));
