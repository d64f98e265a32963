import { lineLimit } from '../../schemas/pipe/lines.js';
import type { Output } from '../../schemas/pipe/stage.js';

const brace = 125;
let scratch = Buffer.allocUnsafeSlow(1 << 16);

/** Sends a line's own bytes with fields (`,"key":value…`) before its closing brace. One that would get too long stays. */
export function append(out: Output, buffer: Buffer, start: number, end: number, text: string): void {
  const most = end - start + text.length * 3;
  if (text === '' || most > lineLimit) {
    out.bytes(buffer, start, end);
    return;
  }
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * most);
  let close = end - 1;
  while (buffer[close] !== brace) close--; // only white space can be behind it
  buffer.copy(scratch, 0, start, close);
  let at = close - start;
  at += scratch.write(text, at);
  buffer.copy(scratch, at, close, end);
  out.bytes(scratch, 0, at + end - close);
}
