import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { env, root, shell } from '../../../support/shell.js';

const pages = readdirSync(`${root}dist/man`).sort();
const commands = readdirSync(`${root}dist/bin`).filter((name) => name !== 'package.json');

test('every command has a page, and package.json names all pages', () => {
  const { man } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  assert.deepEqual(
    man,
    pages.map((page) => `dist/man/${page}`),
  );
  for (const name of commands) assert.ok(pages.includes(`${name}.1`), name);
});

for (const page of pages) {
  test(`${page}: man and mandoc accept it, and it says what --help says`, async () => {
    const path = `${root}dist/man/${page}`;
    const lint = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', path], { encoding: 'utf8' });
    assert.deepEqual([lint.status, lint.stdout, lint.stderr], [0, '', '']);
    const man = spawnSync('man', ['--warnings', '--nh', '--nj', '-l', path], {
      encoding: 'utf8',
      env: { ...env, MANWIDTH: '1000', GROFF_NO_SGR: '' },
    });
    assert.deepEqual([man.status, man.stderr], [0, '']);
    const words = man.stdout.replaceAll('\x08', '').replace(/\s+/g, ' ');
    const command = page.replace(/\.1$/, '').replace(/^synpipe-/, 'synpipe ');
    const { stdout: help } = await shell(`${command} --help`, root);
    const options = [...help.matchAll(/^ {2}(-\w, | {4})--([\w-]+)( \S.*?)?(?: {2,}|\n)/gm)];
    assert.ok(options.length >= 2, help);
    for (const [, letter, name, value = ''] of options)
      assert.ok(words.includes(`${letter?.trim() ? `${letter}` : ''}--${name}${value} `), `${name} in ${words}`);
    const examples = /^Examples:\n((?:.+\n)*)/m.exec(help)?.[1] ?? '';
    for (const [, line] of examples.matchAll(/^ {2}(\S.*)\n {6}\S/gm)) assert.ok(words.includes(line as string), line);
  });
}

test('mandoc finds mistakes', () => {
  const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning'], {
    input: '.TH A 1\n.SH B\n.nosuch\n',
    encoding: 'utf8',
  });
  assert.match(stdout, /nosuch/);
});

test('whatis finds each command', () => {
  for (const page of pages) {
    const whatis = execFileSync('lexgrog', [`${root}dist/man/${page}`], { encoding: 'utf8' });
    assert.match(whatis, new RegExp(`: "${page.replace(/\.1$/, '')} - `));
  }
});
