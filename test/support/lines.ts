import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Line } from '../../schemas/pipe/line/line.js';

/** A connect event's line with this `seq`. printf and seq(1) accept it as a format. */
export const format =
  '{"type":"connect","v":1,"seq":%.0f,"ts":"2026-11-23T08:15:30.123456Z","id":"4242","pid":1234,"tid":1236,"uid":1000,' +
  '"comm":"curl","family":4,"saddr":"192.0.2.10","sport":40312,"daddr":"198.51.100.7","dport":443,"via":"connect"}';

export const numbered = (from: number, to: number): string =>
  Array.from({ length: to - from + 1 }, (_, i) => `${format.replace('%.0f', String(from + i))}\n`).join('');

/** Returns each `seq` in a file. Asserts that the file has only whole, valid lines. */
export function seqsIn(path: string): number[] {
  return seqsOf(readFileSync(path), path);
}

/** The same for a file that is being written: the seqs of its whole lines so far. */
export function seqsUntilNow(path: string): number[] {
  const bytes = readFileSync(path);
  return seqsOf(bytes.subarray(0, bytes.lastIndexOf(10) + 1), path);
}

/** The same for bytes or text; `from` names their source in messages. */
export function seqsOf(text: Buffer | string, from = 'the text'): number[] {
  const bytes = Buffer.from(text);
  const line = new Line();
  const seqs: number[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    if (end < 0) assert.fail(`${from} ends in the middle of a line: ${bytes.toString('utf8', start)}`);
    assert.equal(line.take(bytes, start, end), undefined, from);
    seqs.push(line.field('seq') as number);
    start = end + 1;
  }
  return seqs;
}

/** Asserts 1, 2, 3 … without a gap. */
export function assertAll(seqs: number[], count: number): void {
  assert.equal(seqs.length, count);
  seqs.forEach((seq, i) => {
    if (seq !== i + 1) assert.fail(`line ${i + 1} has seq ${seq}`);
  });
}
