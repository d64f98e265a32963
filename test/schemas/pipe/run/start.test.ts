import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { root } from '../../../support/shell.js';

test("a stage without input does not load Node's streams, sockets or terminals", () => {
  const preload = `data:text/javascript,process.on('exit', () => console.error(process.moduleLoadList.join(' ')))`;
  for (const command of ['filter --dport 443', 'validate', 'dedupe', 'aggregate --by dport', 'enrich', 'sink-table']) {
    const [name, ...args] = command.split(' ');
    const { status, stderr } = spawnSync(process.execPath, ['--import', preload, `${root}dist/bin/${name}`, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    assert.equal(status, 0, stderr);
    const loaded = stderr.split(/ ?NativeModule | ?Internal Binding /);
    for (const module of ['stream', 'net', 'tty']) assert.ok(!loaded.includes(module), `${command} loads ${module}`);
  }
});
