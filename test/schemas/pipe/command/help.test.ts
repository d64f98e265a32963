import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { root, shell } from '../../../support/shell.js';
import { Terminal } from '../../../support/terminal.js';

const commands = readdirSync(`${root}dist/bin`).filter((name) => name !== 'package.json');
const subcommands = ['top', 'why', 'run', 'demo', 'completion'].map((name) => `synpipe ${name}`);
const words = (text: string) => text.split(/\s+/);

for (const command of [...commands, ...subcommands]) {
  test(`${command} --help fits a terminal of 80 columns and says the same as in a pipe`, async (t) => {
    const terminal = new Terminal(t, [...command.split(' '), '--help'], 80);
    assert.equal(await terminal.ended, 0);
    const text = Buffer.from(terminal.written, 'latin1').toString().replaceAll('\r', '');
    const { stdout } = await shell(`${command} --help`, root);
    assert.deepEqual(words(text), words(stdout));
    const prose = (help: string) => help.slice(help.indexOf('\nOptions:\n')).split('\n'); // examples are not wrapped
    assert.deepEqual(
      prose(text).filter((line) => line.length > 80),
      [],
    );
    assert.deepEqual(
      prose(stdout).filter((line) => line.length > 100),
      [],
    );
  });
}

test('--help in a wide terminal is the same as in a pipe', async (t) => {
  const terminal = new Terminal(t, ['filter', '--help'], 200);
  assert.equal(await terminal.ended, 0);
  const { stdout } = await shell('filter --help', root);
  assert.equal(Buffer.from(terminal.written, 'latin1').toString().replaceAll('\r', ''), stdout);
});
