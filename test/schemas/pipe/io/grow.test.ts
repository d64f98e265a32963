import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { numbered } from '../../../support/lines.js';
import { env, root, shell } from '../../../support/shell.js';

const atFirst = 1 << 16;
const grown = 1 << 20;
const long = numbered(1, 3500);
assert.ok(long.length > 10 * atFirst && long.length < 0.95 * grown, String(long.length));

/** Returns how much the pipes before and after a command hold in the end. Asserts that all its input is written. */
async function through(how: string, input: string, command = 'validate', environment = env): Promise<number[]> {
  const pipes = join(root, 'test/support/pipes.py');
  const { stdout, stderr, code } = await shell(`python3 ${pipes} ${how} ${command}`, '/', input, environment);
  assert.equal(code, 0, stderr);
  assert.ok(stdout === input, `${stdout.length} of ${input.length} bytes came out, or others`);
  const { first, last } = JSON.parse(stderr);
  assert.deepEqual(first, [atFirst, atFirst]);
  return last;
}

test('a pipe found full gets a larger buffer, on both sides of a stage', async () => {
  assert.deepEqual(await through('ended', long), [grown, grown]); // its output fits into the pipe, so it exits
  assert.deepEqual(await through('ended', long, 'synpipe run "validate | validate"'), [grown, grown]);
});

test('a pipe with little traffic keeps its size', async () => {
  assert.deepEqual(await through('reading', numbered(1, 90)), [atFirst, atFirst]);
});

test('if the kernel refuses a larger pipe, a stage continues with the size it has', async () => {
  assert.deepEqual(await through('limit', long), [atFirst, atFirst]);
});

test('the same holds for an installation without the native part', async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'synpipe-grow-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const part of ['bin', 'code', 'seldom']) execFileSync('cp', ['-r', join(root, 'dist', part), folder]);
  assert.deepEqual(await through('reading', long, join(folder, 'bin/validate')), [atFirst, atFirst]);
});

test('in a shell pipeline with more data than its pipes hold, every byte arrives', async () => {
  const { stdout, stderr, code } = await shell(
    'validate | filter --dport 443 | validate | sha1sum',
    '/',
    long.repeat(20),
  );
  const sum = execFileSync('sha1sum', { input: long.repeat(20), encoding: 'utf8' });
  assert.deepEqual({ stdout, stderr, code }, { stdout: sum, stderr: '', code: 0 });
});
