import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertAll, format, numbered, seqsIn } from '../support/lines.js';
import { folder, killGroup, size, start, until } from '../support/process.js';
import { shell } from '../support/shell.js';

/** A folder with a disk of 64 KiB in it, `disk/`. Needs root, as the rest of the project's tests. */
function withSmallDisk(t: TestContext): { dir: string; disk: string } {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-disk-'));
  const disk = join(dir, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
  t.after(() => {
    execFileSync('umount', [disk]);
    rmSync(dir, { recursive: true });
  });
  return { dir, disk };
}

test('a disk that becomes full: whole lines only, and the others counted', async (t) => {
  const { dir, disk } = withSmallDisk(t);
  const out = join(disk, 'out');
  const sent = 600; // less than one read takes, so that it has all of them when the disk is full
  writeFileSync(join(dir, 'in'), numbered(1, sent));
  const { stderr, code } = await shell('sink-file disk/out < in', dir);
  const stored = seqsIn(out);
  assert.ok(stored.length > 100 && stored.length < sent, `${stored.length} stored`);
  assertAll(stored, stored.length);
  const told = `sink-file: cannot write disk/out: ENOSPC, ${sent - stored.length} lines not written; free some space\n`;
  assert.deepEqual({ stderr, code }, { stderr: told, code: 1 });
});

test('a disk that becomes full at the end of a pipeline, and has room again later', async (t) => {
  const { dir, disk } = withSmallDisk(t);
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(20_000));
  const line = `seq -f '${format}' 5000 | filter | sink-file disk/out`;
  const { stderr, code } = await shell(line, dir);
  assert.match(stderr, /^sink-file: cannot write disk\/out: ENOSPC, \d+ lines not written; free some space\n$/);
  assert.equal(code, 1);
  const stored = seqsIn(join(disk, 'out'));
  assertAll(stored, stored.length);
  execFileSync('rm', [join(disk, 'ballast')]);
  const more = await shell('sink-file disk/out', dir, numbered(stored.length + 1, stored.length + 20));
  assert.deepEqual(more, { stdout: '', stderr: '', code: 0 });
  assertAll(seqsIn(join(disk, 'out')), stored.length + 20);
});

test('a file size limit (ulimit -f): the same', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'in'), numbered(1, 600));
  const { stderr, code } = await shell('ulimit -f 64; sink-file out < in', dir);
  const stored = seqsIn(join(dir, 'out')).length;
  const told = `sink-file: cannot write out: EFBIG, ${600 - stored} lines not written; raise the file size limit (ulimit -f)\n`;
  assert.deepEqual({ stderr, code }, { stderr: told, code: 1 });
});

test('killed at random points, a restart makes the file whole valid lines again', async (t) => {
  const dir = folder(t);
  const out = join(dir, 'out');
  const rounds = 100;
  let torn = 0;
  for (let round = 1; round <= rounds; round++) {
    const enough = size(out) + 1 + Math.floor(Math.random() * 1_000_000);
    const { child, ended } = start(t, ['bash', '-c', `seq -f '${format}' inf | filter | sink-file out`], dir);
    await until(`lines in round ${round}`, () => size(out) >= enough);
    killGroup(child);
    const { stderr } = await ended;
    if (stderr) torn++; // its restart repaired what the round before left
    assert.match(
      stderr,
      /^(sink-file: out: the last line (was torn; moved its \d+ bytes to out.torn|lacked its newline; added it)\n)?$/,
    );
    if (round % 10 > 0) continue;
    const { code } = await shell('sink-file out', dir);
    assert.equal(code, 0);
    assert.ok(seqsIn(out).length > 0);
    execFileSync('truncate', ['-s', '0', out]);
  }
  t.diagnostic(`${torn} of ${rounds} left half a line`);
  if (torn > 0) assert.ok(readFileSync(`${out}.torn`, 'utf8').endsWith('\n'));
});
