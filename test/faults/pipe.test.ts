import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { format, numbered } from '../support/lines.js';
import { folder, proc, settled, start, until } from '../support/process.js';
import { root, shell } from '../support/shell.js';

test('a reader that closes the pipe ends the stages quietly', async (t) => {
  const dir = folder(t);
  const line = `seq -f '${format}' 100000 | filter | validate | head -1; echo "\${PIPESTATUS[@]:1}"`;
  const { stdout, stderr } = await shell(line, dir);
  assert.deepEqual({ last: stdout.split('\n').slice(1), stderr }, { last: ['0 0 0', ''], stderr: '' });
  const table = await shell(`seq -f '${format}' 100000 | sink-table | head -1; echo "\${PIPESTATUS[1]}"`, dir);
  assert.deepEqual([table.stdout.split('\n')[1], table.stderr], ['0', '']);
});

test('--help and --version exit quietly if the pipe is closed', async (t) => {
  for (const option of ['--help', '--version']) {
    const { stdout, stderr } = await shell(`filter ${option} | true; echo "\${PIPESTATUS[@]}"`, folder(t));
    assert.deepEqual([stdout, stderr], ['0 0\n', '']);
  }
});

test('non-blocking stdin and stdout lose nothing', async (t) => {
  const script = `${root}test/support/nonblocking.py`;
  for (const command of ['filter', 'validate']) {
    const input = numbered(1, 40_000);
    const { stdout, stderr, code } = await shell(`/usr/bin/env python3 '${script}' ${command}`, folder(t), input);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: 'stuck\n' });
    assert.ok(stdout === input, `${stdout.length} of ${input.length} bytes`);
  }
});

test('a stuck reader blocks the writer without using more memory; once it continues, nothing is missing', async (t) => {
  const dir = folder(t);
  const fifo = join(dir, 'fifo');
  execFileSync('mkfifo', [fifo]);
  const hold = openSync(fifo, constants.O_RDWR); // the stage's output, not read yet
  const count = 1_000_000;
  const output = openSync(fifo, 'w');
  const { child: stage, ended } = start(t, ['filter'], dir, ['pipe', output, 'pipe']);
  closeSync(output);
  const producer = start(t, ['seq', '-f', format, String(count)], dir, ['ignore', 'pipe', 'pipe']);
  producer.child.stdout?.pipe(stage.stdin as NodeJS.WritableStream);
  const total = count * format.length;
  assert.ok(total > 200 << 20);

  await until('the producer to begin', () => proc(producer.child.pid, 'io', 'wchar') > 0);
  const written = await settled(() => proc(producer.child.pid, 'io', 'wchar'));
  assert.ok(written < 16 << 20, `the producer wrote ${written} bytes while nobody read`);
  assert.equal(producer.child.exitCode, null, 'the producer is blocked');
  assert.ok(proc(stage.pid, 'status', 'VmHWM') < 150 << 10);

  const input = openSync(fifo, 'r');
  const reader = start(t, ['wc', '-l'], dir, [input, 'pipe', 'pipe']);
  closeSync(input);
  closeSync(hold);
  let said = '';
  reader.child.stdout?.on('data', (text) => {
    said += text;
  });
  const peak = { kib: 0 };
  const watch = setInterval(() => {
    try {
      peak.kib = Math.max(peak.kib, proc(stage.pid, 'status', 'VmHWM') || 0);
    } catch {} // it has exited
  }, 50);
  t.after(() => clearInterval(watch));
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  await reader.ended;
  assert.equal(said, `${count}\n`);
  assert.ok(peak.kib > 0 && peak.kib < 150 << 10, `${peak.kib} KiB`);
});
