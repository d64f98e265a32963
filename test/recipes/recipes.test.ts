/** What the pages' commands print for the recording that the package ships. UPDATE=1 rewrites printed.txt. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { pages } from '../support/documents.js';
import { root } from '../support/shell.js';
import { shownOn } from '../support/shown/commands.js';
import { onRecording, replayed } from '../support/shown/replayed.js';

const file = `${root}test/recipes/printed.txt`;
/** How many first lines of each output are kept, followed by how many more there are. */
const most = 6;

const shown = (await Promise.all(pages.filter((page) => !page.startsWith('test/')).map(shownOn))).flat();
const scripts = new Map(
  shown
    .filter(({ program }) => program === undefined)
    .flatMap(({ script }) => {
      const replayed = onRecording(script);
      return replayed === undefined ? [] : [[replayed.trim(), script] as const];
    }),
);

function excerpt(text: string): string {
  const lines = text.split('\n').slice(0, -1);
  const kept = lines.slice(0, most).map((line) => (line.length > 240 ? `${line.slice(0, 240)}…` : line));
  return [...kept, ...(lines.length > most ? [`… ${lines.length - most} more`] : [])]
    .map((line) => `${line}\n`)
    .join('');
}

/** A separate value `null`: a field that the events do not have. */
const isNull = /(^|[\s:,[(])null([\s,\]}):]|$)/m;

/** The time of the run, in the names of files. */
const timed = (text: string) => (text.startsWith('@') ? '@TIME' : 'DATE');

const printed = new Map<string, string>();

test('each command prints something, without missing values', { concurrency: 2 }, async (t) => {
  assert.ok(scripts.size > 30, `${scripts.size} scripts`);
  await Promise.all(
    [...scripts].map(([script, asShown]) =>
      t.test(asShown, async (t) => {
        const { stdout, stderr, code } = await replayed(t, script);
        assert.equal(code, 0, `${stderr}${stdout.slice(0, 1000)}`);
        assert.equal(stderr, '');
        if (!script.includes('sink-file')) assert.notEqual(stdout, '', 'it prints nothing');
        assert.doesNotMatch(stdout, isNull);
        printed.set(script, excerpt(stdout.replace(/@\d{8}T\d{6}\.\d{3}Z|\b\d{8}(-\d\d)?(?=\.ndjson)/g, timed)));
      }),
    ),
  );
});

test('the commands print what printed.txt has', () => {
  const text = [...scripts.keys()]
    .sort()
    .map((script) => `${script.replace(/^/gm, '$ ')}\n${printed.get(script) ?? ''}`)
    .join('\n');
  if (process.env.UPDATE) writeFileSync(file, text);
  const blocks = (all: string) => all.split(/\n\n(?=\$ )/).map((block) => block.trim());
  const [shown, wanted] = [blocks(text), blocks(readFileSync(file, 'utf8'))];
  const why = 'UPDATE=1 rewrites test/recipes/printed.txt';
  for (const [at, block] of shown.entries()) assert.equal(block, wanted[at], why);
  assert.equal(wanted[shown.length], undefined, why);
});
