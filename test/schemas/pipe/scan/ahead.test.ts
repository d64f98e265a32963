import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Files } from '../../../../schemas/pipe/io/files.js';
import type { Input } from '../../../../schemas/pipe/io/input.js';
import { PipelineRunner } from '../../../../schemas/pipe/run/pipeline-runner.js';
import { onInvalid } from '../../../../schemas/pipe/stage/invalid.js';
import { Ledger } from '../../../../schemas/pipe/stage/ledger.js';
import { filter } from '../../../../transforms/filter.js';
import { corpus } from '../../../fuzz/corpus.js';
import { mutant, Random } from '../../../fuzz/mutate.js';
import { assertAll, numbered, seqsOf } from '../../../support/lines.js';
import { until } from '../../../support/process.js';
import { root, shell } from '../../../support/shell.js';
import { alone } from '../../../support/thread.js';

const folder = mkdtempSync(join(tmpdir(), 'synpipe-ahead-'));
after(() => rmSync(folder, { recursive: true }));

/** 14 MB of everything that a file may contain, with enough uniform lines that much is scanned ahead. */
function mixed(): Buffer {
  const random = new Random(11);
  const known = corpus(11);
  const parts: string[] = [numbered(1, 20_000)];
  for (let i = 0; i < 12_000; i++) parts.push(`${random.of(known)}\n`);
  for (let i = 0; i < 2_000; i++) parts.push(`${random.below(8) > 0 ? random.of(known) : mutant(known, random)}\n`);
  for (const blanks of [1, 3000, 200_000]) parts.push('\n'.repeat(blanks), numbered(20_001, 21_000));
  for (const length of [1 << 15, 1 << 16, 1 << 17, 1 << 19, (1 << 20) - 20, 1 << 20, 3 << 20])
    parts.push(`${'x'.repeat(length)}\n`, numbered(30_000, 30_300).replaceAll('"curl"', `"${'é'.repeat(9)}"`));
  return Buffer.from(`${parts.join('')}${numbered(40_001, 44_000)}{"type":"connect"`, 'latin1');
}

const path = join(folder, 'mixed.ndjson');
writeFileSync(path, mixed());
/** The same without summaries, which `aggregate` refuses next to events. */
const events = join(folder, 'events.ndjson');
execFileSync('bash', ['-c', `grep -av '"summary"' ${path} > ${events}`]);

for (const command of [
  'validate',
  'filter --dport 443 --comm "c*"',
  'filter --not-dport 443 --on-invalid bad.txt',
  'aggregate --by comm,daddr',
  'dedupe --by daddr,dport',
  'to-ecs',
  'enrich --offline',
  'sink-file out.ndjson',
  'synpipe run "validate | filter --dport 443 | sink-file out.ndjson"',
]) {
  test(`gives the same from a file as from a pipe: ${command}`, async () => {
    const resultOf = async (line: string) => {
      const cwd = mkdtempSync(join(folder, 'run-'));
      const result = await shell(line, cwd);
      const files = readdirSync(cwd).map((name) => [name, readFileSync(join(cwd, name), 'latin1')]);
      return { ...result, files };
    };
    const input = command.startsWith('aggregate') ? events : path;
    const piped = await resultOf(`cat ${input} | ${command}`);
    assert.equal(piped.code, command.includes('--on-invalid') ? 0 : 1, piped.stderr); // some lines are invalid
    assert.ok(piped.stdout.length + JSON.stringify(piped.files).length > 10_000, piped.stderr);
    for (const line of [`${command} < ${input}`, `taskset -c 0 ${command} < ${input}`]) {
      const read = await resultOf(line);
      for (const [what, value] of Object.entries(piped))
        if (JSON.stringify(read[what as keyof typeof read]) !== JSON.stringify(value)) assert.fail(`${line}: ${what}`);
    }
  });
}

const long = join(folder, 'long.ndjson');
const count = 60_000;
writeFileSync(long, numbered(1, count));

/** The threads of this process that scan. */
const scanning = () =>
  readdirSync('/proc/self/task').filter((id) => {
    try {
      return readFileSync(`/proc/self/task/${id}/comm`, 'utf8') === 'synpipe-scan\n';
    } catch {
      return false; // it has just exited
    }
  }).length;

/** Waits until no thread scans: a joined thread may stay in /proc for a moment. */
const ended = () => until('the threads to end', () => scanning() === 0);

/** Runs a filter on the file in this process. Returns its output, and how many threads scanned while it was written. */
async function filtered(input: Input = new Files([long]), stopAfter = Number.POSITIVE_INFINITY) {
  const out: Buffer[] = [];
  let most = 0;
  const failed = (error: unknown) => {
    throw error;
  };
  const part = {
    stage: filter({ dport: 443 }),
    ledger: new Ledger(),
    policy: () => onInvalid('fail', 'filter'),
    failed,
  };
  const flow = new PipelineRunner([part], input, async (bytes) => {
    out.push(Buffer.from(bytes));
    most = Math.max(most, scanning());
    if (out.length === stopAfter) throw new Error('enough');
  });
  await flow.run();
  return { out: Buffer.concat(out), most };
}

test('another thread scans input read from a file, and ends with it', { skip: alone }, async () => {
  const { out, most } = await filtered();
  assertAll(seqsOf(out), count);
  assert.equal(most, 1);
  await ended();
});

test('the thread also ends if the output fails half-way', { skip: alone }, async () => {
  await assert.rejects(filtered(new Files([long]), 12), /enough/);
  await ended();
});

test('two flows at once have a thread each', { skip: alone }, async () => {
  const [one, other] = await Promise.all([filtered(), filtered()]);
  assert.deepEqual([one.out.equals(other.out), one.out.length], [true, readFileSync(long).length]);
  assert.equal(Math.max(one.most, other.most), 2);
  await ended();
});

test('a small file or a pipe needs no thread', async () => {
  const small = join(folder, 'small.ndjson');
  writeFileSync(small, numbered(1, 10_000));
  assert.equal((await filtered(new Files([small]))).most, 0);
  const whole = new Files([long]);
  const piped = { read: (into: Buffer) => whole.read(into), now: (into: Buffer) => whole.now?.(into) };
  assert.equal((await filtered(piped)).most, 0);
});

test('a closed pipe, a full disk and a missing native part are handled during a scan', async () => {
  const closed = await shell(`validate < ${long} | head -1`, folder);
  assert.deepEqual(closed, { stdout: numbered(1, 1), stderr: '', code: 0 });
  const { code, stderr } = await shell(`validate < ${long} > /dev/full`, folder);
  assert.match(stderr, /^validate: cannot write standard output: ENOSPC, \d+ lines not written; free some space\n$/);
  assert.equal(code, 1);
  const copy = join(folder, 'copy');
  for (const part of ['bin', 'code', 'seldom'])
    execFileSync('cp', ['-r', '--parents', `dist/${part}`, folder], { cwd: root });
  execFileSync('mv', [join(folder, 'dist'), copy]);
  const { stdout } = await shell(`${join(copy, 'bin/validate')} < ${long}`, folder);
  assert.ok(stdout === readFileSync(long, 'utf8'));
});
