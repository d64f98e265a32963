import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { pipelineWords } from '../schemas/pipe/command/words.js';
import { anyLine } from './support/arbitrary.js';
import { type Case, inputOf, readCases, run } from './support/cases.js';
import { folder } from './support/process.js';
import { env, envInPieces, root, shell } from './support/shell.js';

const stages = new Set(readdirSync(`${root}dist/bin`));
for (const name of ['package.json', 'synpipe', 'collector', 'doctor']) stages.delete(name);

const quote = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** A case's line with its first stages fused, if they form a pipeline of our commands only; else undefined. */
function fused(cmd: string): string | undefined {
  const ends = [...cmd.matchAll(/(?:\s)(?=[|;>]|&&)|$/g)].map(({ index }) => index).reverse();
  for (const end of ends) {
    const pipeline = cmd.slice(0, end).replaceAll('synpipe ', '');
    try {
      const words = pipelineWords(pipeline);
      if (words.length < 2 || !words.every(([name = '']) => stages.has(name))) continue;
      return `synpipe run ${quote(pipeline)}${cmd.slice(end)}`;
    } catch {} // not a pipeline up to here
  }
  return undefined;
}

test('finds the stages that can be fused', () => {
  assert.equal(fused('filter | validate'), "synpipe run 'filter | validate'");
  assert.equal(
    fused("filter --comm 'a*' | validate | jq . > x"),
    "synpipe run 'filter --comm '\\''a*'\\'' | validate' | jq . > x",
  );
  assert.equal(
    fused('synpipe filter | synpipe sink-file out && cat out'),
    "synpipe run 'filter | sink-file out' && cat out",
  );
  for (const cmd of ['filter', 'filter | jq .', 'jq . | filter', 'grep x | filter | validate'])
    assert.equal(fused(cmd), undefined);
});

const cases = await readCases();
const both = cases.flatMap((one) => {
  const cmd = fused(one.cmd);
  return cmd === undefined ? [] : [{ one, cmd }];
});

/** Sorts stderr lines, since several processes and one write them in different orders. */
const sorted = (text: string) => text.split('\n').sort().join('\n');

test('golden pipelines give the same results fused', { concurrency: 3 }, async (t) => {
  assert.ok(both.length >= 5, `${both.length} of them`);
  await Promise.all(both.map(({ one, cmd }) => t.test(one.name, () => same(one, cmd))));
});

async function same(one: Case, cmd: string): Promise<void> {
  const input = await inputOf(one);
  const apart = await run(one, input);
  const most = input.length <= 2048 ? 1 : Math.ceil(input.length / 400);
  for (const environment of one.files.has('whole') ? [env] : [env, envInPieces(most)]) {
    const { stdout, stderr, code, check } = await run({ ...one, cmd }, input, environment);
    assert.deepEqual(
      { stdout, stderr: sorted(stderr), code, check: check?.code },
      { stdout: apart.stdout, stderr: sorted(apart.stderr), code: apart.code, check: apart.check?.code },
      cmd,
    );
  }
}

test('generated pipelines give the same results fused and as processes', { concurrency: 3 }, async (t) => {
  const stage = fc.constantFrom(
    'validate',
    'validate --status',
    'validate --on-invalid drop',
    'validate --on-invalid bad.ndjson --status',
    'validate --on-invalid fail',
    'filter --dport 443,22',
    'filter --not-comm node --status',
    "filter --comm '*' -v --status",
    'filter --failed --on-invalid drop',
    'apply ./mine.ts --status',
    'sink-table',
    'sink-file out',
    'sink-file /dev/full',
  );
  // of two stages with the same file, the one that locks it first writes, and that may be either
  const locksOnce = (stages: string[]) => stages.filter((one) => one === 'sink-file out').length < 2;
  const pipelines = fc.sample(
    fc.tuple(fc.array(stage, { minLength: 2, maxLength: 4 }).filter(locksOnce), fc.array(anyLine, { maxLength: 40 })),
    8,
  );
  await Promise.all(
    pipelines.map(([stages, lines]) =>
      t.test(stages.join(' | '), async (t) => {
        const input = lines.map((line) => `${line}\n`).join('');
        const mine = `export default (event) => event.dport === 80 ? [event, { type: 'seen' }] : event.dport !== 22;\n`;
        const writers = stages.filter((stage) => stage.includes('bad.ndjson')).length;
        const order = writers > 1 ? 'sort -o bad.ndjson bad.ndjson 2>/dev/null; ' : ''; // processes append in any order
        const after = `code=$?; ${order}head -v -n -0 out bad.ndjson 2>/dev/null; exit $code`;
        const one = async (line: string) => {
          const dir = folder(t);
          await shell('cat > mine.ts', dir, mine);
          const { stdout, stderr, code } = await shell(`${line}; ${after}`, dir, input);
          return { stdout: stdout.replace(/"ts":"[^"]*","stage"/g, '"stage"'), stderr: sorted(stderr), code };
        };
        const pipeline = stages.join(' | ');
        const [whole, apart] = [await one(`synpipe run ${quote(pipeline)}`), await one(pipeline)];
        // If a stage fails, the stages before it end with it or have just ended: their messages and codes vary.
        const fails = stages.some((stage) => /fail|full/.test(stage));
        assert.equal(whole.stdout, apart.stdout);
        if (fails) assert.equal(whole.code > 0, apart.code > 0);
        else assert.deepEqual(whole, apart);
      }),
    ),
  );
});
