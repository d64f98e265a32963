import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FdReader } from '../../../schemas/pipe/fd.js';

const bytes = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 7 + (i >> 9)) & 255));

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-fd-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** All that a reader gives. */
async function all(reader: FdReader, size = 1 << 18): Promise<Buffer> {
  const into = Buffer.alloc(size);
  const parts: Buffer[] = [];
  for (let read = await reader.read(into); read > 0; read = await reader.read(into))
    parts.push(Buffer.from(into.subarray(0, read)));
  return Buffer.concat(parts);
}

/** A FIFO that a shell's command writes into. */
async function fifo(t: TestContext, command: string): Promise<{ fd: number; child: ChildProcess }> {
  const path = join(folder(t), 'fifo');
  await once(spawn('mkfifo', [path]), 'close');
  const child = spawn('bash', ['-c', `{ ${command}; } > ${path}`], { stdio: ['pipe', 'ignore', 'inherit'] });
  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  return { fd, child };
}

test('a file', async (t) => {
  const path = join(folder(t), 'file');
  writeFileSync(path, bytes);
  for (const size of [1 << 18, 70_001, 100]) {
    const fd = openSync(path, 'r');
    const wanted = size === 100 ? bytes.subarray(0, 100_000) : bytes;
    if (size === 100) writeFileSync(path, wanted);
    assert.ok((await all(new FdReader(fd), size)).equals(wanted), String(size));
    closeSync(fd);
  }
});

test('a pipe that is full, empty and full again', async (t) => {
  const { fd, child } = await fifo(
    t,
    'for i in 1 2 3; do read -r -N 1 go; head -c 1000000 /dev/zero; done; printf end',
  );
  const reader = new FdReader(fd);
  const into = Buffer.alloc(1 << 18);
  for (const _ of [1, 2, 3]) {
    child.stdin?.write('x');
    for (let left = 1_000_000; left > 0; ) {
      const read = await reader.read(into.subarray(0, Math.min(left, into.length)));
      assert.ok(read > 0 && into.subarray(0, read).every((byte) => byte === 0));
      left -= read;
    }
  }
  assert.equal((await all(reader)).toString(), 'end');
});

test('while the input never pauses, the rest of the process has its turns', async (t) => {
  const path = join(folder(t), 'file');
  writeFileSync(path, bytes);
  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  let turns = 0;
  const count = () => {
    turns++;
    turn = setImmediate(count);
  };
  let turn = setImmediate(count);
  await all(new FdReader(fd), 1 << 15);
  clearImmediate(turn);
  assert.ok(turns >= 5, `${turns} turns in ${Math.ceil(bytes.length / (1 << 15))} reads`);
});

test('a read that waits is left', async (t) => {
  const { fd, child } = await fifo(t, 'head -c 100000 /dev/zero; read -r go');
  const reader = new FdReader(fd);
  const into = Buffer.alloc(1 << 18);
  for (let left = 100_000; left > 0; ) left -= await reader.read(into);
  const waiting = reader.read(into);
  reader.leave();
  assert.equal(await waiting, -1);
  assert.equal(await reader.read(into), -1);
  child.stdin?.end('\n');
});
