import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { format, numbered, seqsIn } from '../support/lines.js';
import { folder, size, start, until } from '../support/process.js';

/** What happens to the file `d/out` while it is being written, the message, and where the earlier lines are afterwards. */
const cases: Record<string, { does: (dir: string) => void; message: RegExp; before?: string }> = {
  'is deleted': {
    does: (dir) => rmSync(join(dir, 'd/out')),
    message: /^sink-file: d\/out was deleted; writing to a new file of that name\n$/,
  },
  'is deleted with its folder, which is created again': {
    does: (dir) => execFileSync('bash', ['-c', 'mv d x; mkdir -p d; rm -r x'], { cwd: dir }),
    message: /^sink-file: d\/out was (deleted|moved); writing to a new file of that name\n$/,
  },
  'is moved away': {
    does: (dir) => renameSync(join(dir, 'd/out'), join(dir, 'd/old')),
    message: /^sink-file: d\/out was moved; writing to a new file of that name\n$/,
    before: 'd/old',
  },
  'is in a folder that is replaced by another': {
    does: (dir) => execFileSync('bash', ['-c', 'mv d e && mkdir d'], { cwd: dir }),
    message: /^sink-file: d\/out was moved; writing to a new file of that name\n$/,
    before: 'e/out',
  },
};

for (const [what, { does, message, before }] of Object.entries(cases)) {
  test(`the file ${what} while it is written: all later lines go to the new one`, async (t) => {
    const dir = folder(t);
    mkdirSync(join(dir, 'd'));
    const slowly = `i=0; until [ -e stop ]; do seq -f '${format}' $((i * 10 + 1)) $((i * 10 + 10)); i=$((i + 1)); sleep 0.005; done`;
    const { ended } = start(t, ['bash', '-c', `{ ${slowly}; } | sink-file --mkdir d/out`], dir);
    await until('lines', () => size(join(dir, 'd/out')) > 10_000);
    does(dir);
    await until('lines in the new file', () => size(join(dir, 'd/out')) > 10_000);
    execFileSync('touch', [join(dir, 'stop')]);
    const { code, stderr } = await ended;
    assert.equal(code, 0);
    assert.match(stderr, message);
    const seqs = [...(before ? seqsIn(join(dir, before)) : []), ...seqsIn(join(dir, 'd/out'))];
    const first = before ? 1 : (seqs[0] as number); // what was deleted is gone, later lines are not
    seqs.forEach((seq, at) => {
      assert.equal(seq, first + at);
    });
    assert.equal(seqs.length % 10, before ? 0 : (1 - first + 1_000_000) % 10);
  });
}

test('the folder is gone for good: an error, and the number of lines not written', async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'd'));
  const { child, ended } = start(t, ['sink-file', 'd/out'], dir);
  child.stdin?.write(numbered(1, 5));
  await until('lines', () => size(join(dir, 'd/out')) > 0);
  rmSync(join(dir, 'd'), { recursive: true });
  child.stdin?.end(numbered(6, 9));
  assert.deepEqual(await ended, {
    code: 1,
    signal: null,
    stderr:
      'sink-file: d/out was deleted; writing to a new file of that name\nsink-file: cannot write d/out: ENOENT, 4 lines not written; check the path\n',
  });
});

test('if a spooled file is deleted while it is being written, later lines go to a new one', async (t) => {
  const dir = folder(t);
  const { child, ended } = start(t, ['sink-http', '--spool', 'd', '--batch-time', '1m', 'http://127.0.0.1:9'], dir);
  child.stdin?.write(numbered(1, 5));
  const open = () =>
    readdirSync(dir).length === 0 ? [] : readdirSync(join(dir, 'd')).filter((name) => /open$/.test(name));
  await until('the spooled file', () => open().some((name) => size(join(dir, 'd', name)) > 0));
  rmSync(join(dir, 'd', open()[0] as string));
  child.stdin?.write(numbered(6, 9));
  await until('the file again', () => open().some((name) => size(join(dir, 'd', name)) > 0));
  const again = seqsIn(join(dir, 'd', open()[0] as string));
  child.kill('SIGKILL');
  assert.match((await ended).stderr, /^sink-http: d\/\S+\.open was deleted; writing to a new file of that name\n/);
  assert.deepEqual(again, [6, 7, 8, 9]);
});
