import assert from 'node:assert/strict';
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertAll, numbered, seqsUntilNow } from '../../../support/lines.js';
import { folder, type Running, start, until } from '../../../support/process.js';
import { shell } from '../../../support/shell.js';

/** Starts `validate --follow NAMES > got`. */
function follow(t: TestContext, dir: string, names = 'out.ndjson'): Running & { got: string } {
  const running = start(t, ['bash', '-c', `exec validate --follow ${names} > got`], dir);
  return { ...running, got: join(dir, 'got') };
}

const received = (got: string) => (existsSync(got) ? readFileSync(got, 'utf8').split('\n').length - 1 : 0);

/** Waits for `count` lines, ends the follower with Ctrl-C, and asserts that each line came once and in order. */
async function end({ child, ended, got }: ReturnType<typeof follow>, count: number): Promise<void> {
  await until(`${count} lines`, () => received(got) >= count);
  process.kill(child.pid as number, 'SIGINT');
  assert.deepEqual(await ended, { code: null, signal: 'SIGINT', stderr: '' });
  assertAll(seqsUntilNow(got), count);
}

for (const [rotation, options] of Object.entries({
  'by size': '--rotate-size 4K',
  'with compression': '--rotate-size 20K --compress zstd',
}))
  test(`follows what sink-file writes and rotates ${rotation}, from the first line on`, async (t) => {
    const dir = folder(t);
    const count = 3_000;
    writeFileSync(join(dir, 'in'), numbered(2, count));
    const following = follow(t, dir);
    writeFileSync(join(dir, 'out.ndjson'), numbered(1, 1)); // it was not there at first
    await until('the first line', () => received(following.got) === 1);
    // in small pieces, so that files are rotated while others are read
    const slowly = 'split -l 100 --filter="cat; sleep 0.03" in';
    const { code, stderr } = await shell(`${slowly} | sink-file ${options} out.ndjson`, dir);
    assert.deepEqual([code, stderr], [0, '']);
    assert.ok(readdirSync(dir).filter((name) => name.startsWith('out@')).length > 10);
    await end(following, count);
  });

test('a part is not read again once it is an archive, even while the archive of the next one gets its name', async (t) => {
  const dir = folder(t);
  const at = (name: string) => join(dir, name);
  const [first, second] = [1, 2].map((hour) => at(`out@20261130T0${hour}0000.000Z.ndjson`)) as [string, string];
  writeFileSync(at('out.ndjson'), numbered(1, 100));
  const following = follow(t, dir);
  await until('the first part', () => received(following.got) === 100);
  writeFileSync(second, numbered(101, 200));
  renameSync(at('out.ndjson'), first);
  await until('the second part', () => received(following.got) === 200);
  process.kill(following.child.pid as number, 'SIGSTOP');
  assert.equal(
    (await shell(`zstd -q --rm '${first}' && zstd -q --rm '${second}' -o '${second}.zst.tmp'`, dir)).code,
    0,
  );
  writeFileSync(at('out.ndjson'), numbered(201, 300));
  process.kill(following.child.pid as number, 'SIGCONT');
  await end(following, 300);
});

test('reads all parts that were rotated while the reader was stopped', async (t) => {
  const dir = folder(t);
  const out = join(dir, 'out.ndjson');
  writeFileSync(out, numbered(1, 100));
  const following = follow(t, dir);
  await until('the first lines', () => received(following.got) === 100);
  process.kill(following.child.pid as number, 'SIGSTOP');
  appendFileSync(out, numbered(101, 150));
  for (const [at, name] of ['1', '2', '3'].entries()) {
    for (const older of ['2', '1'].filter((one) => existsSync(`${out}.${one}`)))
      renameSync(`${out}.${older}`, `${out}.${Number(older) + 1}`);
    renameSync(out, `${out}.1`);
    writeFileSync(out, numbered(151 + at * 50, 200 + at * 50));
    assert.ok(existsSync(`${out}.${name}`));
  }
  process.kill(following.child.pid as number, 'SIGCONT');
  await end(following, 300);
});

test('logrotate renames the file, and the writer continues in the old one for a while', async (t) => {
  const dir = folder(t);
  const out = join(dir, 'out.ndjson');
  writeFileSync(out, numbered(1, 10));
  const following = follow(t, dir);
  for (let round = 0; round < 5; round++) {
    const from = round * 30 + 1;
    await until('lines', () => received(following.got) === from + 9);
    renameSync(out, `${out}.old`);
    writeFileSync(out, ''); // "create"
    appendFileSync(`${out}.old`, numbered(from + 10, from + 19));
    await until('lines in the old file', () => received(following.got) === from + 19);
    appendFileSync(`${out}.old`, numbered(from + 20, from + 29));
    appendFileSync(out, numbered(from + 30, from + 39));
  }
  await end(following, 160);
});

test("logrotate's copytruncate, seen at once and seen late", async (t) => {
  const dir = folder(t);
  const out = join(dir, 'out.ndjson');
  const rotate = () => {
    if (existsSync(`${out}.1`)) renameSync(`${out}.1`, `${out}.2`);
    copyFileSync(out, `${out}.1`);
    truncateSync(out);
  };
  writeFileSync(out, numbered(1, 50));
  const following = follow(t, dir);
  await until('lines', () => received(following.got) === 50);
  rotate();
  appendFileSync(out, numbered(51, 60));
  await until('lines after it was truncated', () => received(following.got) === 60);
  process.kill(following.child.pid as number, 'SIGSTOP');
  appendFileSync(out, numbered(61, 100));
  rotate();
  appendFileSync(out, numbered(101, 103));
  process.kill(following.child.pid as number, 'SIGCONT');
  await end(following, 103);
});

test('half a line waits for its rest; parts named before the file are read first', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'out.ndjson.1'), numbered(1, 5));
  const [half = '', rest = ''] = numbered(6, 6).split(/(?<=comm)/);
  writeFileSync(join(dir, 'out.ndjson'), half);
  const following = follow(t, dir, "'out.ndjson.?' out.ndjson");
  await until('the parts', () => received(following.got) === 5);
  appendFileSync(join(dir, 'out.ndjson'), rest);
  await end(following, 6);
});
