/** However it ends, the terminal is as it was before. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ndjson } from '../../support/events.js';
import { folder, undo } from '../../support/process.js';
import { Terminal } from '../../support/terminal.js';
import { outcome, pending } from './shown.js';

const events = ndjson(outcome(0), pending(1, 1));
/** Waits until the terminal takes lines again, as long as the shell lives. */
const outlives =
  'code=$?; for i in {1..200}; do stty -a </dev/tty | grep -q " icanon" && break; sleep .05; done; exit $code';
const colours = new RegExp(`${String.fromCharCode(27)}\\[3\\dm`);
const summary = '2 attempts in 2.00 s, none failed, 1 still pending';

async function started(t: TestContext, line: string): Promise<Terminal> {
  const terminal = new Terminal(t, ['bash', '-c', line], 80, 24);
  terminal.before('$ before\r\n');
  terminal.input(events);
  await terminal.shows('the screen', ([head = '']) => head.startsWith(' synpipe top'));
  await terminal.takesKeys();
  return terminal;
}

/** Starts it with a pipe as its input, which stays open. Returns also how to send it a signal. */
async function running(t: TestContext, setting = '') {
  const file = join(folder(t), 'pid');
  const terminal = await started(
    t,
    `sh -c 'echo $$ >${file}; exec env ${setting} synpipe top 2>&1' < <(cat); ${outlives}`,
  );
  undo(t, () => terminal.end());
  return { terminal, send: (signal: NodeJS.Signals) => process.kill(Number(readFileSync(file, 'utf8')), signal) };
}

function isRestored(terminal: Terminal, lines: string[]): void {
  const all = terminal.lines;
  // on a slow machine, the first event comes after the hint that there is none
  const hints: readonly string[] = all.filter(
    (line) => line === 'synpipe top: waiting for the first event; Ctrl-C stops',
  );
  assert.deepEqual(
    all.filter((line) => !hints.includes(line)),
    ['$ before', ...lines],
  );
  assert.deepEqual(terminal.cursor, { row: 1 + hints.length + lines.length, column: 0, shown: true, wraps: true });
}

for (const [signal, lines] of [
  ['SIGTERM', [summary]],
  ['SIGHUP', [summary]],
  ['SIGKILL', []],
] as const)
  test(`${signal} in the middle of the input: it dies of it, and restores the terminal`, async (t) => {
    const { terminal, send } = await running(t);
    send(signal);
    assert.equal(await terminal.ended, 128 + constants.signals[signal]);
    isRestored(terminal, [...lines]);
  });

for (const [where, signal] of [
  ['inside the stage', 'SIGALRM'],
  ['outside of it', 'SIGUSR2'],
] as const)
  test(`a bug ${where} restores the terminal, and is reported on the normal screen`, async (t) => {
    const { terminal, send } = await running(t, `NODE_OPTIONS=--require=${join(import.meta.dirname, 'broken.cjs')}`);
    send(signal);
    assert.equal(await terminal.ended, 1);
    assert.equal(terminal.lines[0], '$ before');
    assert.match(terminal.lines.join('\n'), /Error: a bug of the test/);
    const { row, shown, wraps } = terminal.cursor;
    assert.deepEqual({ row, shown, wraps }, { row: terminal.lines.length, shown: true, wraps: true });
  });

for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const)
  test(`${signal} while it plays a file: it ends with exit code 0, and restores the terminal`, async (t) => {
    const dir = folder(t);
    const [recording, file] = [join(dir, 'events.ndjson'), join(dir, 'pid')];
    writeFileSync(recording, ndjson(outcome(0), outcome(600)));
    const terminal = await started(
      t,
      `sh -c 'echo $$ >${file}; exec synpipe top --speed 1x ${recording} 2>&1'; ${outlives}`,
    );
    process.kill(Number(readFileSync(file, 'utf8')), signal);
    assert.equal(await terminal.ended, 0);
    isRestored(terminal, ['1 attempt, none failed']);
  });

test('Ctrl-C ends the pipeline with the summary', async (t) => {
  const terminal = await started(t, 'trap : INT; cat | synpipe top');
  terminal.type('\x03');
  assert.equal(await terminal.ended, 0);
  assert.deepEqual(terminal.lines.slice(0, 2), ['$ before', summary]);
  assert.ok(terminal.cursor.shown && terminal.cursor.wraps);
});

test('when the terminal closes everything ends', async (t) => {
  const terminal = await started(t, 'cat | synpipe top');
  terminal.hangUp();
  assert.notEqual(await terminal.ended, 201, 'a process is left');
});

test('NO_COLOR: no colours, but bold and inverse text', async (t) => {
  const terminal = await started(t, 'trap : INT; cat | FORCE_COLOR= NO_COLOR=1 synpipe top');
  terminal.type('q');
  assert.equal(await terminal.ended, 0);
  assert.doesNotMatch(terminal.written, colours);
});

test('colours without NO_COLOR', async (t) => {
  const terminal = await started(t, 'trap : INT; cat | FORCE_COLOR= NO_COLOR= synpipe top');
  terminal.type('q');
  assert.equal(await terminal.ended, 0);
  assert.match(terminal.written, colours);
});

for (const kind of ['dumb', ''])
  test(`TERM=${kind}: it says what to use instead`, async (t) => {
    const terminal = new Terminal(t, ['bash', '-c', `TERM=${kind} synpipe top 2>&1`], 160, 24);
    terminal.end();
    assert.equal(await terminal.ended, 1);
    assert.deepEqual(terminal.lines, [
      `synpipe top: the terminal (TERM=${kind}) has no movable cursor; use sink-table instead`,
    ]);
  });
