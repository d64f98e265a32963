import { lineLimit } from '../../schemas/pipe/line/line-splitter.js';
import type { Output } from '../../schemas/pipe/stage/stage.js';

const brace = 125;

/** Sends a line's own bytes with fields (`,"key":value…`) before its closing brace. One that would get too long stays. */
export function append(out: Output, buffer: Buffer, start: number, end: number, text: string): void {
  const fields = Buffer.from(text);
  if (text === '' || end - start + fields.length > lineLimit) {
    out.bytes(buffer, start, end);
    return;
  }
  const close = buffer.lastIndexOf(brace, end - 1); // only blanks can be behind it
  const line = Buffer.concat([buffer.subarray(start, close), fields, buffer.subarray(close, end)]);
  out.bytes(line, 0, line.length);
}
