import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Line } from '../../../schemas/pipe/line/line.js';
import { Writer, type WriterOptions } from '../../../sinks/file/writer.js';
import { numbered } from '../../support/lines.js';
import { folder } from '../../support/process.js';

/** Counts the lines reported as stored and lost. */
class Count {
  written = 0;
  missing = 0;
  stored(lines: number): void {
    this.written += lines;
  }
  lost(_: string, lines: number): void {
    this.missing += lines;
  }
}

function add(writer: Writer, from: number, to: number): void {
  const bytes = Buffer.from(numbered(from, to));
  const line = new Line();
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(10, start);
    assert.equal(line.take(bytes, start, end), undefined);
    writer.add(line);
    start = end + 1;
  }
}

async function opened(path: string, onFull: WriterOptions['onFull'] = 'exit'): Promise<Writer> {
  const writer = new Writer(path, { stage: 'test', mkdir: false, lock: 'own', onFull });
  await writer.open();
  return writer;
}

test('lines added during a write: the file has them all in order, and size includes lines not yet written', async (t) => {
  const path = join(folder(t), 'out');
  const [writer, count] = [await opened(path), new Count()];
  for (let from = 1; from <= 20_000; from += 2_000) {
    add(writer, from, from + 1_999);
    await writer.startWrite(count);
    assert.equal(writer.size, numbered(1, from + 1_999).length);
  }
  assert.ok(count.written < 20_000, 'the last write is in progress');
  await writer.settled();
  assert.deepEqual([count.written, writer.size], [20_000, numbered(1, 20_000).length]);
  await writer.close();
  assert.equal(readFileSync(path, 'utf8'), numbered(1, 20_000));
});

test('a failed write in a thread is reported once it has settled, with all lines that were not written', async () => {
  const [writer, count] = [await opened('/dev/full'), new Count()];
  add(writer, 1, 2_000);
  await writer.startWrite(count);
  add(writer, 2_001, 2_500);
  const message = 'cannot write /dev/full: ENOSPC, 2500 lines not written; free some space';
  await assert.rejects(writer.startWrite(count), { message });
  await writer.write(count); // the failure is reported only once
  assert.deepEqual([count.written, count.missing], [0, 0]);
  await writer.close();
});

test('--on-full drop counts what a thread could not write', async () => {
  const [writer, count] = [await opened('/dev/full', 'drop'), new Count()];
  add(writer, 1, 2_000);
  await writer.startWrite(count);
  add(writer, 2_001, 2_500);
  await writer.write(count);
  assert.deepEqual([count.written, count.missing], [0, 2_500]);
  await writer.close();
});
