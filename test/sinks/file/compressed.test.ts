import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { repairCompressed } from '../../../sinks/file/repair-compressed.js';
import { assertAll, numbered, seqsOf } from '../../support/lines.js';
import { folder, start, undo, until } from '../../support/process.js';
import { shell } from '../../support/shell.js';

const ok = { stdout: '', stderr: '', code: 0 };
const tools = { '.gz': 'gzip', '.zst': 'zstd' } as const;

/** Returns the seqs that gzip or zstd can read, also from a file without its end, and whether it calls the file whole. */
function read(path: string, tool: string): { seqs: number[]; whole: boolean } {
  const { stdout, status } = spawnSync(tool, ['-dc'], { input: readFileSync(path), maxBuffer: 1 << 28 });
  return { seqs: seqsOf(stdout.subarray(0, stdout.lastIndexOf(10) + 1)), whole: status === 0 };
}
const isWhole = (path: string, tool: string) => spawnSync(tool, ['-tq', path]).status === 0;

for (const [suffix, tool] of Object.entries(tools) as ['.gz' | '.zst', 'gzip' | 'zstd'][]) {
  const name = `out.ndjson${suffix}`;

  test(`${suffix}: compressed as it is written; the next run appends`, async (t) => {
    const dir = folder(t);
    const path = join(dir, name);
    for (const from of [1, 501, 1001])
      assert.deepEqual(await shell(`sink-file ${name}`, dir, numbered(from, from + 499)), ok);
    assert.ok(isWhole(path, tool));
    assertAll(read(path, tool).seqs, 1500);
    assert.ok(statSync(path).size < numbered(1, 1500).length / 4);
    assert.equal((statSync(path).mode & 0o777).toString(8), '600');
  });

  test(`${suffix}: what was written before kill -9 can be read, and the next run completes and continues the file`, async (t) => {
    const dir = folder(t);
    const path = join(dir, name);
    for (let run = 0; run < 3; run++) {
      const { child, ended } = start(t, ['sink-file', name], dir);
      for (let block = 0; block < 3; block++) {
        const first = run * 300 + block * 100 + 1;
        child.stdin?.write(numbered(first, first + 99));
        await until('the lines', () => existsSync(path) && read(path, tool).seqs.at(-1) === first + 99);
      }
      child.kill('SIGKILL');
      await ended;
      assert.ok(!read(path, tool).whole || tool === 'zstd');
      assertAll(read(path, tool).seqs, (run + 1) * 300);
    }
    const { stderr, code } = await shell(`sink-file ${name}`, dir, numbered(901, 1000));
    assert.equal(code, 0);
    assert.match(stderr, /^$|^sink-file: out.ndjson.\w+: it was not closed; completed it\n$/);
    assert.ok(isWhole(path, tool));
    assertAll(read(path, tool).seqs, 1000);
  });

  test(`${suffix}: cut anywhere, the next run keeps every whole piece before the cut`, async (t) => {
    const dir = folder(t);
    const path = join(dir, name);
    const { child, ended } = start(t, ['sink-file', name], dir);
    const sizes: number[] = [];
    for (let block = 0; block < 4; block++) {
      child.stdin?.write(numbered(block * 50 + 1, block * 50 + 50));
      await until('the lines', () => existsSync(path) && read(path, tool).seqs.at(-1) === block * 50 + 50);
      sizes.push(statSync(path).size);
    }
    child.stdin?.end();
    await ended;
    const whole = readFileSync(path);
    for (let cut = 0; cut <= whole.length; cut += 1 + (cut % 29)) {
      writeFileSync(path, whole.subarray(0, cut));
      const repaired = await repairCompressed(path, cut, tool);
      assert.equal(await repairCompressed(path, statSync(path).size, tool), undefined, `cut at ${cut}: ${repaired}`);
      if (statSync(path).size > 0) assert.ok(isWhole(path, tool), `cut at ${cut}: ${repaired}`);
      const seqs = statSync(path).size > 0 ? read(path, tool).seqs : [];
      const pieces = sizes.filter((size) => size <= cut).length;
      assert.ok(seqs.length >= pieces * 50, `cut at ${cut}: ${seqs.length} lines`);
      assertAll(seqs, seqs.length);
    }
    writeFileSync(path, whole);
    assert.deepEqual(await shell(`rm -f *.torn; sink-file ${name}`, dir, numbered(201, 210)), ok);
    assertAll(read(path, tool).seqs, 210);
  });

  test(`${suffix}: another file of that name is left alone`, async (t) => {
    const dir = folder(t);
    for (const foreign of [gzipSync(numbered(1, 3)), numbered(1, 3)]) {
      writeFileSync(join(dir, name), foreign);
      assert.deepEqual(await shell(`sink-file ${name}`, dir, numbered(4, 5)), {
        stdout: '',
        stderr: `sink-file: cannot open ${name}: it is not a ${tool} file of sink-file; move it away\n`,
        code: 1,
      });
      assert.deepEqual(readFileSync(join(dir, name)), Buffer.from(foreign));
    }
  });

  test(`${suffix}: rotated files keep the suffix, and none is empty after an idle period`, async (t) => {
    const dir = folder(t);
    assert.deepEqual(await shell(`sink-file --rotate-size 8K ${name}`, dir, numbered(1, 2000)), ok);
    const { child, ended } = start(t, ['sink-file', '--rotate-every', '1s', name], dir);
    const closed = () => readdirSync(dir).filter((one) => one.includes('@'));
    const before = closed().length;
    assert.ok(before > 0);
    child.stdin?.write(numbered(2001, 2010));
    await until('the file to be closed', () => closed().length > before);
    await until('another period', () => Date.now() % 1_000 > 900);
    await until('another period', () => Date.now() % 1_000 < 500);
    child.stdin?.end();
    assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
    assert.ok(closed().every((one) => /^out@\d{8}T\d{6}\.\d{3}Z\.ndjson\.\w+$/.test(one)));
    const all = readdirSync(dir).sort((a, b) => Number(a === name) - Number(b === name) || (a < b ? -1 : 1));
    for (const one of all) assert.ok(isWhole(join(dir, one), tool), one);
    for (const one of closed()) assert.ok(read(join(dir, one), tool).seqs.length > 0, one);
    assertAll(
      all.flatMap((one) => read(join(dir, one), tool).seqs),
      2010,
    );
    assert.deepEqual(await shell(`sink-file --rotate-every 1d --keep 1 ${name}`, dir, ''), ok);
    assert.deepEqual([closed().length, read(join(dir, name), tool).seqs.length], [1, 0]);
  });

  test(`${suffix}: a full disk leaves whole lines, and the rest follows`, {
    skip: process.getuid?.() !== 0,
  }, async (t) => {
    const dir = folder(t);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', dir]);
    undo(t, () => execFileSync('umount', ['-l', dir]));
    writeFileSync(join(dir, 'ballast'), Buffer.alloc(40_000));
    const { child, ended } = start(t, ['sink-file', '--on-full', 'block', name], dir);
    // random enough to fill the disk
    const lines = numbered(1, 3000).replace(/"id":"4242"/g, () => `"id":"${Math.floor(Math.random() * 1e15)}"`);
    let stderr = '';
    child.stderr?.on('data', (text) => {
      stderr += text;
    });
    child.stdin?.end(lines);
    await until('the disk to be full', () => stderr.includes('ENOSPC'));
    execFileSync('mount', ['-o', 'remount,size=1m', dir]);
    const { code } = await ended;
    assert.equal(code, 0);
    assert.ok(isWhole(join(dir, name), tool));
    assertAll(read(join(dir, name), tool).seqs, 3000);
  });
}

test('a name that a process chose does not turn compression on', async (t) => {
  const dir = folder(t);
  const input = `${JSON.stringify({ type: 'x', comm: 'a.gz' })}\n`;
  assert.deepEqual(await shell("sink-file '{comm}'", dir, input), ok);
  assert.equal(readFileSync(join(dir, 'a%2Egz'), 'utf8'), input);
});
