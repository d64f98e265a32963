import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertAll, format, numbered, seqsIn } from '../support/lines.js';
import { folder, killGroup, proc, size, start, until } from '../support/process.js';
import { Deduped, Receiver } from '../support/receiver.js';
import { root, shell } from '../support/shell.js';

/** As in a separate container: other processes and their sockets are not visible. */
const container = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', '--net'];
const inUse = (path: string) =>
  `sink-file: cannot open ${path}: in use by another process; use a separate file for each, or --shared for all of them\n`;

for (const [where, words] of Object.entries({ 'one host': [], 'two containers on one volume': container })) {
  test(`a second sink-file on a file, ${where}, fails and changes no byte of the first's`, async (t) => {
    const dir = folder(t);
    const slowly = `for i in {0..399}; do seq -f '${format}' $((i * 500 + 1)) $((i * 500 + 500)); done`;
    const first = start(
      t,
      [...words, 'bash', '-c', `{ ${slowly}; until [ -e go ]; do sleep .05; done; } | sink-file out`],
      dir,
    );
    await until('lines', () => size(join(dir, 'out')) > 0);
    const second = start(t, [...words, 'bash', '-c', 'sink-file out'], dir);
    second.child.stdin?.end(numbered(1, 5));
    assert.deepEqual(await second.ended, { code: 1, signal: null, stderr: inUse('out') });
    writeFileSync(join(dir, 'go'), '');
    assert.deepEqual(await first.ended, { code: 0, signal: null, stderr: '' });
    assert.ok(readFileSync(join(dir, 'out'), 'utf8') === numbered(1, 200_000));
  });
}

test('a spool in use by another container is refused; the input of both is delivered once in the end', async (t) => {
  const dir = folder(t);
  const deduped = new Deduped();
  const receiver = await Receiver.start(t, (got, response) => {
    deduped.take(got);
    response.end();
  });
  const run = `sink-http --spool spool ${receiver.url}`; // unreachable from inside the container
  const first = start(t, [...container, 'bash', '-c', `exec ${run}`], dir);
  first.child.stdin?.write(numbered(1, 100));
  await until('a spool', () => existsSync(join(dir, 'spool/lock')));
  const second = start(t, [...container, 'bash', '-c', run], dir);
  second.child.stdin?.end(numbered(101, 200));
  const stderr =
    'sink-http: cannot use the spool spool: in use by another process; use a different one for each process\n';
  assert.deepEqual(await second.ended, { code: 1, signal: null, stderr });
  const spooled = () =>
    Number(execFileSync('bash', ['-c', 'cat spool/*.ndjson spool/*.open | wc -l'], { cwd: dir, stdio: 'pipe' }));
  await until('the lines', () => spooled() === 100);
  killGroup(first.child);
  await first.ended;
  assert.equal((await shell(run, dir, numbered(101, 200))).code, 0);
  assertAll(deduped.seqs, 200);
});

test('a state in use by another container is refused', async (t) => {
  const dir = folder(t);
  const argv = [...container, 'aggregate', '--new-only', '--by', 'comm', '--state', 'seen'];
  const first = start(t, argv, dir);
  await until('the state', () => size(join(dir, 'seen')) > 0);
  const second = start(t, argv, dir);
  second.child.stdin?.end(numbered(1, 1));
  const stderr =
    'aggregate: cannot open state file seen: in use by another process; use a different one for each process\n';
  assert.deepEqual(await second.ended, { code: 1, signal: null, stderr });
  first.child.stdin?.end();
  assert.equal((await first.ended).code, 0);
});

test('waits for a predecessor that is just exiting', async (t) => {
  const dir = folder(t);
  const first = start(t, ['bash', '-c', `{ seq -f '${format}' 10; sleep 1; } | sink-file out`], dir);
  await until('lines', () => size(join(dir, 'out')) > 0);
  assert.deepEqual(await shell('sink-file out', dir, numbered(11, 20)), { stdout: '', stderr: '', code: 0 });
  await first.ended;
  assertAll(seqsIn(join(dir, 'out')), 20);
});

test('any number of processes may use devices and FIFOs', async (t) => {
  const dir = folder(t);
  execFileSync('mkfifo', [join(dir, 'fifo')]);
  const reader = start(t, ['bash', '-c', 'exec cat fifo > got'], dir);
  for (const path of ['/dev/null', 'fifo']) {
    const both = [1, 2].map(() => start(t, ['sink-file', '--status', path], dir));
    // each has opened it before the other exits
    for (const { child } of both) await new Promise((started) => child.stdout?.once('data', started));
    for (const [at, { child }] of both.entries()) child.stdin?.end(numbered(at + 1, at + 1));
    for (const { ended } of both) assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  }
  await reader.ended;
  assert.deepEqual(seqsIn(join(dir, 'got')).sort(), [1, 2]);
});

test('a file that is renamed before it is locked is left alone', async (t) => {
  const dir = folder(t);
  const out = join(dir, 'out');
  writeFileSync(out, numbered(1, 5));
  const argv = [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    '-e',
    'trace=flock,openat',
    '-e',
    'inject=flock:delay_enter=700000:when=1',
    'sink-file',
    'out',
  ];
  const { child, ended } = start(t, argv, dir);
  child.stdin?.end(numbered(6, 9));
  const opened = () => {
    try {
      return (
        execFileSync('bash', ['-c', `ls -l /proc/[0-9]*/fd 2>/dev/null | grep -c -- '-> ${out}$'`], {
          encoding: 'utf8',
        }).trim() !== '0'
      );
    } catch {
      return false;
    }
  };
  await until('it to open the file', opened);
  renameSync(out, `${out}.1`);
  assert.equal((await ended).code, 0);
  assert.deepEqual(
    [seqsIn(`${out}.1`), seqsIn(out)],
    [
      [1, 2, 3, 4, 5],
      [6, 7, 8, 9],
    ],
  );
});

test('SIGHUP while another process has the new file: exits with the number of lines it could not write', async (t) => {
  const dir = folder(t);
  const out = join(dir, 'out');
  const first = start(t, ['sink-file', 'out'], dir);
  first.child.stdin?.write(numbered(1, 5));
  await until('lines', () => size(out) > 0);
  renameSync(out, `${out}.1`);
  const other = start(t, ['sink-file', 'out'], dir);
  other.child.stdin?.write(numbered(1, 3));
  await until('its lines', () => size(out) > 0);
  await sleep(600); // long enough to check the path again
  const read = () => proc(first.child.pid, 'io', 'rchar');
  const before = read();
  first.child.stdin?.write(numbered(6, 9)); // they wait for SIGHUP, since the path names another file
  await until('it to have them', () => read() >= before + numbered(6, 9).length);
  first.child.kill('SIGHUP');
  let said = '';
  first.child.stderr?.on('data', (text) => {
    said += text;
  });
  await until('it to give up', () => said !== '');
  first.child.stdin?.end();
  const { code, stderr } = await first.ended;
  assert.equal(code, 1);
  const why =
    'in use by another process, 4 lines not written; use a separate file for each, or --shared for all of them';
  assert.ok(stderr.endsWith(`sink-file: cannot write out: ${why}\n`), stderr);
  other.child.stdin?.end();
  await other.ended;
  assert.deepEqual(
    [seqsIn(`${out}.1`), seqsIn(out)],
    [
      [1, 2, 3, 4, 5],
      [1, 2, 3],
    ],
  );
});

test('a file system without locks: one warning', async (t) => {
  const dir = folder(t);
  for (const code of ['ENOLCK', 'EOPNOTSUPP']) {
    const strace = `strace -f -qq -o /dev/null -e trace=flock -e inject=flock:error=${code}`;
    const { stderr, code: status } = await shell(`${strace} sink-file --rotate-size 1K ${code}`, dir, numbered(1, 20));
    const codes = code === 'EOPNOTSUPP' ? '(EOPNOTSUPP|ENOTSUP)' : code;
    assert.match(
      stderr,
      new RegExp(
        `^sink-file: ${code}: the file system does not support locks \\(${codes}\\); let no other process write there\\n$`,
      ),
    );
    assert.equal(status, 0);
  }
});

test('without the native part it refuses to run, unless --no-lock is given', async (t) => {
  const dir = folder(t);
  for (const name of ['bin', 'code', 'seldom'])
    cpSync(join(root, 'dist', name), join(dir, 'dist', name), { recursive: true });
  symlinkSync(join(root, 'dist/sinks'), join(dir, 'dist/sinks'));
  const remedy = 'locking needs the native addon; build it (synpipe doctor --build), or use --no-lock';
  const commands = {
    'sink-file out': `sink-file: cannot open out: ${remedy}\n`,
    'sink-http --spool spool --timeout 1ms http://127.0.0.1:9': `sink-http: cannot use the spool spool: ${remedy}\n`,
    'aggregate --new-only --by comm --state seen': `aggregate: cannot open state file seen: ${remedy}\n`,
  };
  for (const [line, stderr] of Object.entries(commands)) {
    assert.deepEqual(await shell(`dist/bin/${line}`, dir, numbered(1, 2)), { stdout: '', stderr, code: 1 });
    assert.equal((await shell(`dist/bin/${line.replace(' ', ' --no-lock ')}`, dir, numbered(1, 2))).code, 0, line);
  }
  assertAll(seqsIn(join(dir, 'out')), 2);
});

test('--shared: several processes append to a file, one is killed: whole lines, and none is missing', async (t) => {
  const dir = folder(t);
  const out = join(dir, 'out');
  const line = (from: number) =>
    `{ for i in {0..99}; do seq -f '${format}' $((${from} + i * 100 + 1)) $((${from} + i * 100 + 100)); done; } | sink-file --shared out`;
  const victim = start(t, ['bash', '-c', `{ ${line(90_000)}; sleep 60; }`.replace('| sink', '| exec sink')], dir);
  const writers = [0, 10_000, 20_000].map((from) => start(t, ['bash', '-c', line(from)], dir));
  await until('lines', () => size(out) > 100_000);
  killGroup(victim.child);
  for (const { ended } of writers) assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assert.equal((await shell('sink-file --shared out', dir, numbered(30_001, 30_010))).code, 0);
  const seqs = seqsIn(out);
  for (const from of [0, 10_000, 20_000]) {
    const own = seqs.filter((seq) => seq > from && seq <= from + 10_000);
    assertAll(
      own.map((seq) => seq - from),
      10_000,
    ); // each one's lines are in order
  }
  assert.equal(seqs.filter((seq) => seq > 30_000 && seq < 90_000).length, 10);
});
