import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { constants, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { numbered } from '../support/lines.js';
import { folder, killGroup, start, until } from '../support/process.js';
import { root, shell } from '../support/shell.js';
import { Terminal } from '../support/terminal.js';

const input = numbered(1, 6_000);
const quiet = 'non-blocking: none\n';
const sources = ['file', 'pipe', 'socket', 'tty', 'null'];
const targets = ['file', 'pipe', 'socket', 'tty', 'null'];
const combinations = sources.flatMap((from) => targets.map((to) => [from, to] as const));
const run = (dir: string, from: string, to: string, end: string) =>
  shell(`python3 '${root}test/support/streams.py' ${from} ${to} ${end} filter --dport 443`, dir, input);

test('between streams of any kind, all lines arrive and no stream is made non-blocking', {
  concurrency: 3,
}, async (t) => {
  const all = combinations.map(([from, to]) =>
    t.test(`${from} to ${to}`, async (t) => {
      const { stdout, stderr, code } = await run(folder(t), from, to, 'end');
      assert.deepEqual([stderr, code], [quiet, 0]);
      const wanted = from === 'null' || to === 'null' ? '' : input;
      assert.ok(stdout === wanted, `${stdout.length} of ${wanted.length} bytes`);
    }),
  );
  await Promise.all(all);
});

test('no stream stays non-blocking after SIGKILL', { concurrency: 3 }, async (t) => {
  const all = combinations
    .filter(([from]) => from !== 'null' && from !== 'file')
    .map(([from, to]) =>
      t.test(`${from} to ${to}`, async (t) => {
        const { stderr, code } = await run(folder(t), from, to, 'kill');
        assert.deepEqual([stderr, code], [quiet, 137]);
      }),
    );
  await Promise.all(all);
});

test('a reader that closes ends it quietly', { concurrency: 3 }, async (t) => {
  const all = ['file', 'pipe', 'socket'].flatMap((from) =>
    ['pipe', 'socket'].map((to) =>
      t.test(`${from} to ${to}`, async (t) => {
        const { stderr, code } = await run(folder(t), from, to, 'close');
        assert.deepEqual([stderr, code], [quiet, 0]);
      }),
    ),
  );
  await Promise.all(all);
});

test('a stage that reads from a terminal says what it waits for', async (t) => {
  const terminal = new Terminal(t, ['sh', '-c', 'exec filter <&1 2>&1'], 120);
  const said =
    'filter: reads events from this terminal; use a pipe (… |) or a file (< FILE) instead, or press Ctrl-D to end';
  await terminal.shows('that', ([line]) => line === said);
  terminal.type('\x04');
  assert.equal(await terminal.ended, 0);
});

const nonBlocking = ({ pid }: ChildProcess) =>
  [1, 2].filter((fd) => {
    const [, flags] = /^flags:\s+0*(\d+)/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8')) ?? [];
    return Number.parseInt(flags as string, 8) & constants.O_NONBLOCK;
  });

// A shell passes its own output to a process that does not use it, as in `collector | tee >(sink-file --compress gzip a) | …`.
test('a thread that compresses does not make the output non-blocking', async (t) => {
  const dir = folder(t);
  const { child } = start(t, ['sink-file', '--rotate-size', '64K', '--compress', 'gzip', 'out'], dir);
  child.stdin?.write(input);
  await until('an archive', () => readdirSync(dir).some((name) => name.endsWith('.gz')));
  assert.deepEqual(nonBlocking(child), []);
});

test('a thread that decompresses does not make the output non-blocking', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'in'), input);
  await shell('zstd -q in', dir);
  const { child, ended } = start(t, ['filter', 'in.zst', '-'], dir);
  let bytes = 0;
  child.stdout?.on('data', (data) => {
    bytes += data.length;
  });
  await until('all lines', () => bytes === input.length);
  assert.deepEqual(nonBlocking(child), []);
  killGroup(child);
  await ended;
});
