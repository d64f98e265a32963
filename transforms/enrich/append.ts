import { lineLimit } from '../../schemas/pipe/line/line-splitter.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';

const brace = 125;

/**
 * Writes a line's own bytes with `text` (`,"key":value…`) inserted before the closing brace. A line that would become too
 * long is written unchanged.
 */
export function append(out: Output, buffer: Buffer, start: number, end: number, text: string): void {
  const fields = Buffer.from(text);
  if (text === '' || end - start + fields.length > lineLimit) {
    out.bytes(buffer, start, end);
    return;
  }
  const close = buffer.lastIndexOf(brace, end - 1); // only blanks can follow it
  const line = Buffer.concat([buffer.subarray(start, close), fields, buffer.subarray(close, end)]);
  out.bytes(line, 0, line.length);
}
