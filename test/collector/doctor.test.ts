import assert from 'node:assert/strict';
import { test } from 'node:test';
import { root, shell } from '../support/shell.js';
import { Terminal } from '../support/terminal.js';

test('on a terminal, doctor prints the same text in lines that fit', async (t) => {
  const { stdout } = await shell('doctor', root);
  assert.match(
    stdout,
    /^synpipe .*\ncollector (works here, with the tier \w+|does not work here)\n(works|fails) {2}fentry/,
  );
  const terminal = new Terminal(t, ['doctor'], 60, 60);
  await terminal.ended;
  const words = (text: string) => text.split(/[\s:;]+/).filter((word) => word !== '');
  await terminal.shows('all of it', (lines) => words(lines.join('\n')).length >= words(stdout).length);
  assert.deepEqual(words(terminal.lines.join('\n')), words(stdout));
  for (const line of terminal.lines.slice(1)) assert.ok(line.length <= 60, line);
  if (/^fails/m.test(stdout)) assert.ok(terminal.lines.some((line) => line.startsWith('       ')));
});
