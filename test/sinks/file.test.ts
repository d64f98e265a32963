import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pipeline, sinkFile } from 'synpipe';
import { assertAll, numbered, seqsIn, seqsOf } from '../support/lines.js';
import { folder, size, start, until } from '../support/process.js';
import { shell } from '../support/shell.js';

const files = (dir: string, like = /./) =>
  readdirSync(dir)
    .filter((name) => like.test(name))
    .sort();
const stamped = /^out@\d{8}T\d{6}\.\d{3}Z\.ndjson/;
const ok = { stdout: '', stderr: '', code: 0 };

test('--rotate-size: no file is larger, every file ends with a whole line, no line is missing', async (t) => {
  const dir = folder(t);
  assert.deepEqual(await shell('sink-file --rotate-size 64K out.ndjson', dir, numbered(1, 3000)), ok);
  const closed = files(dir, stamped);
  assert.equal(closed.length, Math.floor(numbered(1, 3000).length / 65536));
  for (const name of closed) assert.ok(size(join(dir, name)) <= 65536 && size(join(dir, name)) > 65000, name);
  assertAll(
    [...closed, 'out.ndjson'].flatMap((name) => seqsIn(join(dir, name))),
    3000,
  );
});

test('--rotate-size continues an existing file; a longer line gets its own file', async (t) => {
  const dir = folder(t);
  for (const from of [1, 101, 201])
    assert.deepEqual(await shell('sink-file --rotate-size 30K out.ndjson', dir, numbered(from, from + 99)), ok);
  assertAll(
    [...files(dir, stamped), 'out.ndjson'].flatMap((name) => seqsIn(join(dir, name))),
    300,
  );
  assert.deepEqual(await shell('sink-file --rotate-size 10 small', dir, numbered(1, 3)), ok);
  assertAll(
    [...files(dir, /^small@/), 'small'].flatMap((name) => seqsIn(join(dir, name))),
    3,
  );
  assert.equal(files(dir, /^small/).length, 3);
});

test('--rotate-every closes a file when its time is over, even without input', async (t) => {
  const dir = folder(t);
  const { child, ended } = start(t, ['sink-file', '--rotate-every', '1s', 'out.ndjson'], dir);
  child.stdin?.write(numbered(1, 10));
  await until('the first file to be closed', () => files(dir, stamped).length === 1);
  child.stdin?.write(numbered(11, 20));
  await until('the second file to be closed', () => files(dir, stamped).length === 2);
  child.stdin?.end(numbered(21, 30));
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assertAll(
    [...files(dir, stamped), 'out.ndjson'].flatMap((name) => seqsIn(join(dir, name))),
    30,
  );
});

test('--rotate-every closes a file of an earlier run first, named by its own time', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'out.ndjson'), numbered(1, 5));
  utimesSync(join(dir, 'out.ndjson'), 1e9, 1e9);
  assert.deepEqual(await shell('sink-file --rotate-every 1h out.ndjson', dir, numbered(6, 9)), ok);
  assert.deepEqual(files(dir), ['out.ndjson', 'out@20010909T014640.000Z.ndjson']);
  assertAll(
    files(dir)
      .reverse()
      .flatMap((name) => seqsIn(join(dir, name))),
    9,
  );
});

test('a path with time in it: each line is in the file of its second, and the latest link points to the last', async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, 'links'));
  const { child, ended } = start(t, ['sink-file', '--latest', 'links/now', '--mkdir', 'd/c-%Y%m%dT%H%M%S.ndjson'], dir);
  const latest = () => readlinkSync(join(dir, 'links/now'));
  for (let seq = 1; seq <= 3; seq++) {
    child.stdin?.write(numbered(seq, seq));
    await until(`line ${seq}`, () => lastLine(join(dir, 'links/now')) === seq);
    assert.match(latest(), /^\.\.\/d\/c-\d{8}T\d{6}\.ndjson$/);
    await until('the next second', () => !latest().includes(stampOf(new Date())));
  }
  child.stdin?.end();
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  const written = files(join(dir, 'd'));
  assertAll(
    written.flatMap((name) => seqsIn(join(dir, 'd', name))),
    3,
  );
  assert.equal(written.filter((name) => size(join(dir, 'd', name)) > 0).length, 3);
  assert.equal(latest(), `../d/${written.at(-1)}`);
});

/** The seq of the last whole line, or undefined: an empty file is removed when its time is over. */
function lastLine(path: string): number | undefined {
  try {
    return seqsOf(readFileSync(path, 'utf8').replace(/[^\n]*$/, '')).at(-1);
  } catch {
    return undefined;
  }
}
const stampOf = (date: Date) => date.toISOString().slice(0, 19).replace(/[-:]/g, '');

test('--keep, --keep-size and --keep-age delete the oldest closed files, and no others', async (t) => {
  const dir = folder(t);
  for (const name of ['other.ndjson', 'out.ndjson.torn', 'out@x.ndjson']) writeFileSync(join(dir, name), 'mine');
  assert.deepEqual(await shell('sink-file --rotate-size 16K --keep 3 out.ndjson', dir, numbered(1, 1000)), ok);
  assert.equal(files(dir, stamped).length, 3);
  const seqs = [...files(dir, stamped), 'out.ndjson'].flatMap((name) => seqsIn(join(dir, name)));
  assert.deepEqual([seqs.at(-1), seqs.length], [1000, 1000 - (seqs[0] as number) + 1]);
  assert.deepEqual(await shell('sink-file --rotate-size 16K --keep-size 40K out.ndjson', dir, numbered(1, 1000)), ok);
  assert.equal(files(dir, stamped).length, 2);
  utimesSync(join(dir, files(dir, stamped)[0] as string), 1e9, 1e9);
  assert.deepEqual(await shell('sink-file --rotate-every 1d --keep-age 1d out.ndjson', dir, ''), ok);
  assert.deepEqual([files(dir, stamped).length, files(dir, /other|torn|x/).length], [1, 3]);
});

test('fields in the path, with few files open at once: every line is in its file, in order', async (t) => {
  const dir = folder(t);
  const events = Array.from({ length: 3000 }, (_, i) => ({ type: 'x', comm: `c${(i * 7919) % 11}`, seq: i }));
  const input = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  assert.deepEqual(await shell("sink-file --max-open 3 --rotate-size 10K '{comm}.ndjson'", dir, input), ok);
  for (let c = 0; c < 11; c++) {
    const own = files(dir, new RegExp(`^c${c}[@.]`));
    const text = [...own.filter((name) => name.includes('@')), `c${c}.ndjson`]
      .map((name) => readFileSync(join(dir, name), 'utf8'))
      .join('');
    assert.equal(
      text,
      input
        .split('\n')
        .filter((line) => line.includes(`"c${c}"`))
        .map((line) => `${line}\n`)
        .join(''),
    );
  }
});

test('names chosen by processes make no file outside the folder', async (t) => {
  const dir = folder(t);
  const names = ['../up', '/abs', '..', '.', 'a/../../b', 'x\0y', 'é'.repeat(200), ''];
  const input = names.map((comm) => `${JSON.stringify({ type: 'x', comm })}\n`).join('');
  assert.deepEqual(await shell("mkdir in; sink-file 'in/{comm}'", dir, input), ok);
  assert.deepEqual(files(dir), ['in']);
  assert.equal(files(join(dir, 'in')).length, names.length);
});

test('--latest replaces a symbolic link, even a dangling one, and nothing else', async (t) => {
  const dir = folder(t);
  symlinkSync('gone', join(dir, 'now'));
  symlinkSync('gone', join(dir, 'now.tmp')); // left by a crash
  assert.deepEqual(await shell('sink-file --latest now out.ndjson', dir, numbered(1, 1)), ok);
  assertAll(seqsIn(join(dir, 'now')), 1);
  for (const [name, link] of [
    ['mine', 'mine'],
    ['other.tmp', 'other'],
  ] as const) {
    writeFileSync(join(dir, name), 'precious');
    const remedy = 'move it away, or choose another name';
    const stderr = `sink-file: cannot link ${link}: ${name} exists and is not a symbolic link; ${remedy}\n`;
    assert.deepEqual(await shell(`sink-file --latest ${link} out.ndjson`, dir), { stdout: '', stderr, code: 1 });
    assert.equal(readFileSync(join(dir, name), 'utf8'), 'precious');
  }
});

test('after an error, no file stays open', async (t) => {
  const dir = folder(t);
  const path = join(dir, 'out.ndjson');
  const latest = join(dir, 'mine');
  writeFileSync(latest, 'precious');
  await assert.rejects(pipeline([], sinkFile({ path, latest })), /cannot link/);
  assert.deepEqual(openedIn(dir), []);
  const long = join(dir, 'x'.repeat(250)); // too long for a time stamp
  writeFileSync(long, numbered(1, 1));
  utimesSync(long, 1, 1);
  await assert.rejects(pipeline([], sinkFile({ path: long, rotateEvery: '1s' })), /cannot open .*ENAMETOOLONG/);
  assert.deepEqual(openedIn(dir), []);
});

/** The files in a folder that this process has open. */
function openedIn(dir: string): string[] {
  const opened = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return ''; // closed meanwhile
    }
  });
  return opened.filter((path) => path.startsWith(`${dir}/`));
}

test('a torn line is moved to a regular file only: no link is followed, no FIFO waited for', async (t) => {
  const dir = folder(t);
  const torn = '{"type":"conn';
  for (const [make, why] of [
    ['echo precious > other; ln -s other out.torn', 'ELOOP; remove the symbolic link'],
    ['rm out.torn; mkfifo out.torn', 'ENXIO; see errno(3)'],
  ]) {
    writeFileSync(join(dir, 'out'), torn);
    const { stderr, code } = await shell(`${make}; sink-file out`, dir, numbered(1, 1));
    assert.deepEqual([stderr, code], [`sink-file: cannot open out: ${why}\n`, 1]);
    assert.equal(readFileSync(join(dir, 'out'), 'utf8'), torn);
  }
  assert.equal(readFileSync(join(dir, 'other'), 'utf8'), 'precious\n');
});

test('--mode and --group apply to open, rotated and compressed files, and to folders', {
  skip: process.getuid?.() !== 0,
}, async (t) => {
  const dir = folder(t);
  const access = async (names: string) => (await shell(`stat -c '%a %g %n' ${names}`, dir)).stdout;
  const run = (options: string, first: number) =>
    shell(`umask 077; sink-file --mode 0640 --group ${options}`, dir, numbered(first, first + 99));
  assert.deepEqual(await run('1234 --rotate-size 20K --compress gzip --mkdir a/b/out.ndjson', 1), ok);
  assert.deepEqual(await run('daemon --rotate-size 20K c.ndjson', 1), ok);
  writeFileSync(join(dir, 'd.ndjson.zst'), '', { mode: 0o600 });
  assert.deepEqual(await run('daemon d.ndjson.zst', 1), ok);
  const stamp = /@.*Z/g;
  assert.equal(
    (await access('a a/b a/b/*')).replace(stamp, '@'),
    '750 1234 a\n750 1234 a/b\n640 1234 a/b/out@.ndjson.gz\n640 1234 a/b/out@.ndjson.gz\n',
  );
  assert.equal((await access('c* d*')).replace(stamp, '@'), '640 1 c.ndjson\n640 1 c@.ndjson\n640 1 d.ndjson.zst\n');
  const reader = await shell('chmod 755 .; setpriv --reuid 65534 --regid 1 --clear-groups cat c.ndjson c@*', dir);
  assert.equal(reader.code, 0);
  const stranger = await shell('setpriv --reuid 65534 --regid 65534 --clear-groups cat c.ndjson', dir);
  assert.equal(stranger.code, 1);
});

test('--mkdir makes folders for their owner only', async (t) => {
  const dir = folder(t);
  assert.deepEqual(await shell("umask 0; sink-file --mkdir 'a/{comm}/out'", dir, numbered(1, 1)), ok);
  const { stdout } = await shell('stat -c %a a a/curl a/curl/out', dir);
  assert.equal(stdout, '700\n700\n600\n');
});
