import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { FdReader, writeAll } from '../../../../schemas/pipe/io/fd.js';
import { numbered } from '../../../support/lines.js';
import { shell } from '../../../support/shell.js';

const bytes = Buffer.from(Array.from({ length: 5_000_000 }, (_, i) => (i * 7 + (i >> 9)) & 255));

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-fd-'));
  t.after(() => rmSync(dir, { recursive: true }));
  return dir;
}

/** Reads everything that a reader gives. */
async function all(reader: FdReader, size = 1 << 18): Promise<Buffer> {
  const into = Buffer.alloc(size);
  const parts: Buffer[] = [];
  for (let read = await reader.read(into); read > 0; read = await reader.read(into))
    parts.push(Buffer.from(into.subarray(0, read)));
  return Buffer.concat(parts);
}

/** A FIFO that a shell command writes to. */
async function fifo(t: TestContext, command: string): Promise<{ fd: number; child: ChildProcess }> {
  const path = join(folder(t), 'fifo');
  await once(spawn('mkfifo', [path]), 'close');
  const child = spawn('bash', ['-c', `{ ${command}; } > ${path}`], { stdio: ['pipe', 'ignore', 'inherit'] });
  const fd = openSync(path, 'r');
  t.after(() => closeSync(fd));
  return { fd, child };
}

test('reads a file', async (t) => {
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

test('a reader that leaves a file does not change it', async (t) => {
  const path = join(folder(t), 'file');
  writeFileSync(path, bytes);
  const fd = openSync(path, 'r');
  const reader = new FdReader(fd);
  const reading = reader.read(Buffer.alloc(100));
  reader.leave();
  await reading;
  assert.equal(await reader.release(), true);
  assert.ok(readFileSync(path).equals(bytes));
  closeSync(fd);
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

test('other work gets its turn while the input never pauses', async (t) => {
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

test('leave() ends a read that waits', async (t) => {
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

test("close() closes the pipe's read end", async (t) => {
  const dir = folder(t);
  const path = join(dir, 'fifo');
  await once(spawn('mkfifo', [path]), 'close');
  const child = spawn('bash', ['-c', `exec 3> ${path}; head -c 300000 /dev/zero >&3; read -r go; echo >&3`], {
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (text) => {
    said += text;
  });
  const reader = new FdReader(openSync(path, 'r'));
  const into = Buffer.alloc(1 << 18);
  for (let left = 300_000; left > 0; ) left -= await reader.read(into);
  await reader.close();
  child.stdin.end('\n');
  const [, signal] = await once(child, 'close');
  assert.ok(signal === 'SIGPIPE' || /Broken pipe/.test(said), `${signal} ${said}`);
});

/** Reads with pauses, until the file `done` exists. */
const slowly = 'while head -c 300000 && sleep 0.01; do [ -e done ] && break; done; cat';

test('output to a slow pipe, and to a file, arrives whole and in order', async (t) => {
  const dir = folder(t);
  const [path, copy] = [join(dir, 'fifo'), join(dir, 'copy')];
  await once(spawn('mkfifo', [path]), 'close');
  const child = spawn('bash', ['-c', `{ ${slowly}; } < ${path} > ${copy}`], {
    cwd: dir,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const pipe = openSync(path, 'w');
  const file = openSync(join(dir, 'file'), 'w');
  const wanted: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 500_001) {
    const part = bytes.subarray(at, at + 500_001);
    await writeAll(pipe, part);
    await writeAll(file, part);
    await writeAll(pipe, part.subarray(0, 7));
    wanted.push(part, part.subarray(0, 7));
  }
  writeFileSync(join(dir, 'done'), '');
  closeSync(pipe); // the reader sees the end of input, though this process keeps running
  closeSync(file);
  await once(child, 'close');
  assert.ok(readFileSync(copy).equals(Buffer.concat(wanted)));
  assert.ok(readFileSync(join(dir, 'file')).equals(bytes));
});

test('a stage between a fast and a slow pipe passes everything on, in order', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'in'), numbered(1, 20_000));
  const line = `cat in | validate | { (sleep 0.5; touch done) & ${slowly}; } > out`;
  const { stderr, code } = await shell(line, dir);
  assert.deepEqual([stderr, code], ['', 0]);
  assert.ok(readFileSync(join(dir, 'out')).equals(readFileSync(join(dir, 'in'))));
});
