import { lineLimit } from '../../schemas/pipe/lines.js';
import type { Output } from '../../schemas/pipe/stage.js';

const brace = 125;
const nothing: Buffer = Buffer.alloc(0);
let scratch = Buffer.allocUnsafeSlow(1 << 16);

/** Sends a line's own bytes with fields (`,"key":value…`) before its closing brace. One that would get too long stays. */
export function append(out: Output, buffer: Buffer, start: number, end: number, text: string): void {
  appendBytes(out, buffer, start, end, Buffer.from(text));
}

/** The same with the fields as bytes, a number (none: -1), and bytes again. */
export function appendBytes(
  out: Output,
  buffer: Buffer,
  start: number,
  end: number,
  before: Buffer,
  number = -1,
  after = nothing,
): void {
  const most = end - start + before.length + 20 + after.length;
  if (before.length === 0 || most > lineLimit) {
    out.bytes(buffer, start, end);
    return;
  }
  if (most > scratch.length) scratch = Buffer.allocUnsafeSlow(2 * most);
  let close = end - 1;
  while (buffer[close] !== brace) close--; // only white space can be behind it
  buffer.copy(scratch, 0, start, close);
  let at = put(before, close - start);
  if (number >= 0) at += scratch.write(String(number), at, 'latin1');
  at = put(after, at);
  for (let from = close; from < end; from++) scratch[at++] = buffer[from] as number;
  out.bytes(scratch, 0, at);
}

/** A few bytes: a loop is quicker than a call. */
function put(bytes: Buffer, at: number): number {
  const { length } = bytes;
  for (let i = 0; i < length; i++) scratch[at + i] = bytes[i] as number;
  return at + length;
}
