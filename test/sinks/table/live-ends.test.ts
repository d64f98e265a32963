/** How sink-table --live shares the terminal with others, and what it leaves behind. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect, ndjson } from '../../support/events.js';
import { folder } from '../../support/process.js';
import { Terminal } from '../../support/terminal.js';
import { summary } from './summary.js';

/** The rest of a shell that outlives sink-table, as always: a terminal cannot be changed once its session has ended. */
const outlives =
  'code=$?; for i in {1..100}; do stty -a </dev/tty | grep -q " icanon" && break; sleep .05; done; exit $code';

for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
  test(`${signal} restores the terminal`, async (t) => {
    const file = join(folder(t), 'pid');
    const line = `sh -c 'echo $$ >${file}; exec sink-table --live'; ${outlives}`;
    const terminal = new Terminal(t, ['bash', '-c', line]);
    terminal.input(ndjson(summary(0, 'curl', 1)));
    await terminal.shows('the table', (lines) => lines.length === 3);
    await terminal.takesKeys();
    process.kill(Number(readFileSync(file, 'utf8')), signal);
    assert.equal(await terminal.ended, 128 + constants.signals[signal]);
    const end = signal === 'SIGTERM' ? ['1 attempt in 1 m 0 s'] : [];
    assert.deepEqual(terminal.lines.slice(3), end);
    assert.deepEqual(terminal.cursor, { row: 3 + end.length, column: 0, shown: true, wraps: true });
  });
}

test('restores the terminal after SIGKILL during a change of its modes', async (t) => {
  const slow = folder(t);
  writeFileSync(join(slow, 'stty'), '#!/bin/sh\n/usr/bin/stty "$@"; case $1 in -icanon) sleep 1 ;; esac\n', {
    mode: 0o755,
  });
  const file = join(slow, 'pid');
  const line = `PATH=${slow}:$PATH sh -c 'echo $$ >${file}; exec sink-table --live'; ${outlives}`;
  const terminal = new Terminal(t, ['bash', '-c', line]);
  terminal.input(ndjson(summary(0, 'curl', 1)));
  await terminal.takesKeys();
  process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
  assert.equal(await terminal.ended, 128 + constants.signals.SIGKILL);
});

for (const [what, key] of [
  ['q', 'q'],
  ['Ctrl-C', '\x03'],
]) {
  test(`${what} ends the pipeline, and other keys do nothing`, async (t) => {
    const terminal = new Terminal(t, ['bash', '-c', 'trap : INT; cat | sink-table --live']);
    terminal.input(ndjson(summary(0, 'curl', 1)));
    await terminal.shows('the table', (lines) => lines.length === 3);
    await terminal.takesKeys();
    terminal.type('xyz\n');
    terminal.input(ndjson(summary(1, 'node', 1)));
    await terminal.shows('the next window', ([head = '']) => head.includes('08:01:00 to'));
    assert.equal(terminal.lines.length, 3);
    assert.doesNotMatch(terminal.written, /xyz/, 'no echo');
    terminal.type(key as string);
    assert.equal(await terminal.ended, 0);
    assert.equal(terminal.lines.length, 4, 'the last table stays');
    assert.equal(terminal.lines[3], '2 attempts in 2 m 0 s');
  });
}

test('Ctrl-C prints one summary below the last table, which still fits', async (t) => {
  const pipeline = 'trap : INT; cat | aggregate --by dest,dport --every 10s | sink-table --live';
  const terminal = new Terminal(t, ['bash', '-c', pipeline], 80, 8);
  const outcome = (second: number, dport: number, more: object = {}) => ({
    ...connect({ ts: `2026-11-23T08:00:${second}.000000Z`, dport }),
    ...{ type: 'outcome', result: 'established', latency_us: 100, ...more },
  });
  const refused = { result: 'refused', errno: 111, error: 'ECONNREFUSED' };
  const timeout = { result: 'timeout', errno: 110, error: 'ETIMEDOUT' };
  terminal.input(
    ndjson(
      ...[outcome(10, 443), outcome(11, 5432, refused), outcome(12, 5432, refused), outcome(13, 80, timeout)],
      { type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count: 7 },
      ...Array.from({ length: 9 }, (_, i) => outcome(25, 8_000 + i)),
    ),
  );
  const head = '2026-11-23 08:00:10 to 08:00:20, 3 groups, 4 attempts, 7 LOST';
  await terminal.shows('the first window', ([first]) => first === head);
  terminal.type('\x03');
  assert.equal(await terminal.ended, 0);
  assert.match(terminal.lines[0] as string, /^2026-11-23 08:00:20 to 08:00:30, 9 groups, 9 attempts, 7 LOST$/);
  assert.deepEqual(terminal.lines.slice(6), [
    '13 attempts in 20.0 s, 3 failed (2 refused by 192.0.2.1:5432, 1 other), 7 lost',
  ]);
  assert.equal(terminal.written.split('13 attempts').length, 2);
});

test('when the terminal closes everything ends, including the process that reads the keys', async (t) => {
  const terminal = new Terminal(t, ['bash', '-c', 'cat | sink-table --live']);
  terminal.input(ndjson(summary(0, 'curl', 1)));
  await terminal.takesKeys();
  terminal.hangUp();
  assert.equal(await terminal.ended, 128 + constants.signals.SIGHUP);
});

test('when the terminal closes and SIGHUP is ignored, it ends with the next table', async (t) => {
  const errors = join(folder(t), 'errors');
  const line = `trap '' HUP; cat 2>/dev/null | sink-table --live 2>${errors}; exit \${PIPESTATUS[1]}`;
  const terminal = new Terminal(t, ['bash', '-c', line]);
  terminal.input(ndjson(summary(0, 'curl', 1)));
  await terminal.takesKeys();
  terminal.hangUp();
  const more = setInterval(() => terminal.input(ndjson(summary(1, 'curl', 1))), 20);
  assert.equal(await terminal.ended, 1, readFileSync(errors, 'utf8'));
  clearInterval(more);
  assert.match(readFileSync(errors, 'utf8'), /^sink-table: cannot write standard output: EIO, .*\n$/);
});

test('until summaries arrive, keys go to others: sudo may ask for a password', async (t) => {
  const ask = 'read -r word </dev/tty; read -r line <&3; echo "$line"; exec cat <&3 >/dev/null';
  const terminal = new Terminal(t, ['bash', '-c', `{ ${ask}; } 3<&0 | sink-table --live`]);
  await terminal.shows('that it runs', ([first]) => first?.startsWith('waiting') === true);
  terminal.input(ndjson(summary(0, 'curl', 1)));
  terminal.type('quick\n');
  await terminal.shows('the table', (lines) => lines.some((line) => line.startsWith('curl')));
  terminal.end();
  assert.equal(await terminal.ended, 0);
});

test('Ctrl-Z restores the terminal, and fg takes it over again', async (t) => {
  const line =
    'set -m; cat | sink-table --live; stty -a </dev/tty | grep -o -e "-*icanon"; read -r word </dev/tty; fg >/dev/null';
  const terminal = new Terminal(t, ['sh', '-c', line], 80, 12); // dash, which does not restore it itself
  terminal.input(ndjson(summary(0, 'curl', 1)));
  await terminal.shows('the table', (lines) => lines.length === 3);
  await terminal.takesKeys();
  terminal.type('\x1a');
  await terminal.shows('how it is now', (lines) => lines.at(-1) === 'icanon');
  terminal.type('go\n');
  await terminal.takesKeys();
  await terminal.shows('the table again', (lines) => lines.length === 3);
  terminal.type('q');
  assert.notEqual(await terminal.ended, 200);
});
