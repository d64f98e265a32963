import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { numbered, seqsIn } from '../support/lines.js';
import { folder, size, start, until } from '../support/process.js';
import { env, root } from '../support/shell.js';

const deploy = join(root, 'collector/deploy');
const units = { 'synpipe@': 2.5, 'synpipe-worker@': 1.5 };

/** Writes an instance of a template, as systemd would see it. */
function instance(t: TestContext, template: string): string {
  const path = join(folder(t), `${template}connects.service`);
  copyFileSync(join(deploy, `${template}.service`), path);
  return path;
}

for (const [template, exposure] of Object.entries(units)) {
  test(`${template}.service: systemd-analyze verify is clean, exposure is at most ${exposure}`, (t) => {
    const path = instance(t, template);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', path], { encoding: 'utf8' });
    assert.deepEqual({ status, stderr }, { status: 0, stderr: '' });
    const limit = `--threshold=${exposure * 10}`; // above this it exits with an error
    execFileSync('systemd-analyze', ['security', '--offline=yes', limit, path], { stdio: 'pipe' });
  });
}

test('synpipe@: the pipeline is the main process, SIGHUP reopens its file, SIGINT loses nothing', async (t) => {
  const dir = folder(t);
  const text = readFileSync(join(deploy, 'synpipe@.service'), 'utf8');
  const [, script] = /^ExecStart=\/bin\/bash -fc '(.*)'$/m.exec(text) ?? [];
  assert.ok(script);
  // this source of events stands in for the collector and exits on SIGINT as the collector does
  const feed = `trap 'cat ${dir}/last; exit' INT; cat ${dir}/first; while :; do sleep .05; done`;
  const { COLLECT, PIPELINE } = { COLLECT: `${dir}/feed`, PIPELINE: 'sink-file out.ndjson' };
  execFileSync('bash', ['-c', `printf '%s' "$0" > feed`, feed], { cwd: dir });
  execFileSync('bash', ['-c', 'printf %s "$0" > first; printf %s "$1" > last', numbered(1, 100), numbered(101, 110)], {
    cwd: dir,
  });
  const line = script.replace('exec collector', 'exec env --default-signal=INT bash');
  const command = ['env', '--default-signal=INT', `COLLECT=${COLLECT}`, `PIPELINE=${PIPELINE}`, 'bash', '-fc', line];
  const { child, ended } = start(t, command, dir, ['ignore', 'pipe', 'pipe']);
  const out = join(dir, 'out.ndjson');
  await until('the first events', () => size(out) === numbered(1, 100).length);
  const argv = () => readFileSync(`/proc/${child.pid}/cmdline`, 'utf8').split('\0').slice(-4, -1);
  assert.deepEqual([argv()[0]?.endsWith('synpipe'), ...argv().slice(1)], [true, 'run', PIPELINE]);
  execFileSync('mv', [out, `${out}.1`]);
  child.kill('SIGHUP');
  await until('a new file', () => size(`${out}.1`) > 0 && spawnSync('test', ['-e', out]).status === 0);
  process.kill(-(child.pid as number), 'SIGINT'); // to every process of the unit
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assert.deepEqual([seqsIn(`${out}.1`).length, seqsIn(out)], [100, [101, 102, 103, 104, 105, 106, 107, 108, 109, 110]]);
});

test('logrotate accepts the rules', (t) => {
  const rules = join(folder(t), 'synpipe');
  copyFileSync(join(deploy, 'logrotate'), rules);
  const { status, stderr } = spawnSync('/usr/sbin/logrotate', ['--debug', rules], { encoding: 'utf8', env });
  assert.equal(status, 0, stderr);
  assert.doesNotMatch(stderr, /error/);
  assert.match(stderr, /rotating pattern: \/var\/log\/synpipe\/\*\/\*\.ndjson/);
});
