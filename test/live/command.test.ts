import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, relative } from 'node:path';
import { client } from './client.js';
import { bin, outcomes, statuses } from './collect.js';
import { fresh } from './folder.js';
import { live } from './live.js';
import { gone, trace } from './traced.js';

live('traces only the command and all that it starts, including a daemon', async (net) => {
  const other = net.start(['forever', '127.0.0.1', 10]);
  const it = `${client()} quiet 3 127.0.0.1`;
  const done = fresh('done');
  const wait = `until [ -e ${done} ]; do sleep 0.1; done`;
  const script = `${it} 11; (${it} 12) & wait; setsid sh -c '(sleep 0.3; ${it} 13; touch ${done}) &' & ${wait}`;
  const run = trace(net, ['--status', '--', 'sh', '-c', script]);
  assert.equal(await run.ended, 0, run.stderr());
  other.child.kill();
  const ports = outcomes(run.lines()).map(({ dport }) => dport);
  assert.deepEqual(ports, [11, 11, 11, 12, 12, 12, 13, 13, 13]);
  const [start, end] = statuses(run.lines());
  assert.deepEqual([start?.phase, end?.phase, end?.out, end?.lost], ['start', 'end', 9, 0]);
  await gone(run);
});

live("the command's first attempt is seen, 20 times", async (net) => {
  for (let i = 0; i < 20; i++) {
    const run = trace(net, ['--', client(), 'blocking', '127.0.0.1', 9]);
    assert.equal(await run.ended, 0);
    const events = outcomes(run.lines());
    assert.deepEqual(
      events.map(({ dport, result, error, netns }) => ({ dport, result, error, netns })),
      [{ dport: 9, result: 'refused', error: 'ECONNREFUSED', netns: net.inode }],
    );
    assert.equal(events[0]?.pid, JSON.parse(run.stderr()).pid, 'what it prints is on stderr');
    await gone(run);
  }
});

live("the command's exit status is passed on", async (net) => {
  for (const [command, status] of [
    [['sh', '-c', 'exit 7'], 7],
    [['sh', '-c', 'kill -9 $$'], 137],
    [['sh', '-c', 'kill $$'], 143],
    [['true'], 0],
  ] as const) {
    const run = trace(net, ['--', ...command]);
    assert.equal(await run.ended, status, `${command}: ${run.stderr()}`);
    assert.deepEqual(run.lines(), []);
    await gone(run);
  }
});

live('runs whatever a shell can run', async (net) => {
  const folder = fresh('commands');
  mkdirSync(folder);
  const file = (name: string, text: string, mode: number) => {
    writeFileSync(`${folder}/${name}`, text);
    chmodSync(`${folder}/${name}`, mode);
  };
  file('bare', 'exit 3', 0o755);
  file('-dashed', '#!/bin/sh\nexit 4', 0o755);
  file('gone', '#!/nonexistent/shell\n', 0o755);
  file('own', '#!/bin/sh\nexit 5', 0o700);
  for (const open of [dirname(folder), folder]) chmodSync(open, 0o755);
  const sudo = { SUDO_UID: '65534', SUDO_GID: '65534' };
  const PATH = `${folder}:${process.env.PATH}`;
  const refused = (name: string) =>
    `collector: cannot run ${name}: EACCES; give a file that the user it runs as may execute\n`;
  for (const [name, env, status, stderr] of [
    [`${folder}/bare`, {}, 3, ''], // no #! line
    [relative('.', `${folder}/bare`), {}, 3, ''],
    ['-dashed', { PATH }, 4, ''],
    [`${folder}/bare`, sudo, 3, ''],
    [`${folder}/own`, {}, 5, ''],
    [`${folder}/own`, sudo, 126, refused(`${folder}/own`)],
    ['own', { PATH, ...sudo }, 126, refused('own')],
  ] as const) {
    const run = trace(net, ['--', name], { env });
    assert.deepEqual([name, await run.ended, run.stderr()], [name, status, stderr]);
    assert.deepEqual(run.lines(), []);
    await gone(run);
  }
  const run = trace(net, ['--', `${folder}/gone`]);
  assert.equal(await run.ended, 127);
  assert.match(run.stderr(), /^setpriv: [^\n]*gone[^\n]*\n$/);
});

live("the command's standard input is passed on; its output and errors go to stderr", async (net) => {
  const run = trace(net, ['--', 'sh', '-c', 'cat; echo error >&2'], { input: 'one\ntwo\n' });
  assert.equal(await run.ended, 0);
  assert.deepEqual([run.lines(), run.stderr()], [[], 'one\ntwo\nerror\n']);
});

live('-n ends the events and waits for the command', async (net) => {
  const run = trace(net, ['-n', 1, '--', 'sh', '-c', `${client()} quiet 5 127.0.0.1 9; sleep 1; echo last; exit 3`]);
  assert.equal(await run.ended, 3);
  assert.equal(outcomes(run.lines()).length, 1);
  assert.equal(run.stderr(), 'last\n');
  await gone(run);
});

live('the command runs as the user who called sudo, without capabilities', async (net) => {
  const script = 'id -u; id -g; grep -E "^Cap(Inh|Prm|Eff|Amb)" /proc/self/status | cut -f2 | sort -u';
  for (const [uid, gid, wanted] of [
    ['65534', '65534', ['65534', '65534', '0000000000000000']],
    ['1234567', '7654321', ['1234567', '7654321', '0000000000000000']], // a user ID without a name
  ] as const) {
    const run = trace(net, ['--', 'sh', '-c', script], { env: { SUDO_UID: uid, SUDO_GID: gid } });
    assert.equal(await run.ended, 0);
    assert.deepEqual(run.stderr().trim().split('\n'), wanted);
  }
});

live('a wrong command line prints one line and runs no command', async () => {
  for (const args of [['--'], ['--nothing', '--', 'echo', 'run'], ['echo', 'run'], ['-4', '-6', '--', 'echo', 'run']]) {
    const { status, stdout, stderr } = spawnSync(`${bin}collector`, args, { encoding: 'utf8', timeout: 60_000 });
    assert.deepEqual({ args, status, stdout }, { args, status: 2, stdout: '' });
    assert.match(stderr, /^collector: [^\n]+\n$/);
  }
});
