import assert from 'node:assert/strict';
import { copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Script } from 'node:vm';
import { numbered } from '../../support/lines.js';
import { folder } from '../../support/process.js';
import { env, root, shell } from '../../support/shell.js';

const dist = join(root, 'dist');
const compiled = `.${process.arch}-${process.version}`;
const codes = readdirSync(join(dist, 'code')).filter((name) => name.endsWith('.js'));

test('each command is compiled ahead for the Node that built it', () => {
  const commands = readdirSync(join(dist, 'bin')).filter((name) => name !== 'package.json');
  const parts = readdirSync(join(dist, 'umbrella')).map((name) => name.replace('.cjs', '')); // `synpipe top` has no separate executable
  const only = parts.filter((name) => !['library', 'synpipe'].includes(name));
  assert.deepEqual(codes.map((name) => name.replace('.js', '')).sort(), [...commands, ...only].sort());
  for (const name of codes) {
    const path = join(dist, 'code', name);
    const script = new Script(readFileSync(path, 'latin1'), { cachedData: readFileSync(path + compiled) });
    assert.equal(script.cachedDataRejected, false, name);
  }
});

test('a missing, damaged or wrong V8 code cache does not change what a command does', async (t) => {
  const dir = folder(t);
  for (const part of ['bin', 'code']) mkdirSync(join(dir, 'dist', part), { recursive: true });
  cpSync(join(dist, 'seldom'), join(dir, 'dist/seldom'), { recursive: true });
  for (const name of ['bin/package.json', 'bin/filter', 'code/filter.js'])
    copyFileSync(join(dist, name), join(dir, 'dist', name));
  const made = join(dir, `dist/code/filter.js${compiled}`);
  const input = numbered(1, 3);
  const runs = async (what: string, environment: typeof env = env) => {
    const { stdout, stderr, code } = await shell('dist/bin/filter --dport 443', dir, input, environment);
    const said = stderr.replace(/^Warning: disabling flag --expose_wasm .*\n/, ''); // Node's warning about --jitless
    assert.deepEqual({ stdout, stderr: said, code }, { stdout: input, stderr: '', code: 0 }, what);
  };
  await runs('without it');
  writeFileSync(made, 'no code');
  await runs('spoilt');
  copyFileSync(join(dist, `code/filter.js${compiled}`), made);
  await runs('as built');
  await runs('other flags', { ...env, NODE_OPTIONS: '--jitless' } as typeof env);
  copyFileSync(join(dist, `code/validate.js${compiled}`), made);
  await runs('of another command');
});
