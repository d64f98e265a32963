/** At a cgroup's process limit, threads and processes that cannot be started are errors, not crashes. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { bin } from './collect.js';
import { fresh } from './folder.js';
import { cannot, live } from './live.js';

/** Makes a cgroup with the pids controller, version 1 or 2. Returns undefined if this machine does not allow it. */
function pidsCgroup(t: TestContext): string | undefined {
  for (const root of ['/sys/fs/cgroup/pids', '/sys/fs/cgroup', '/sys/fs/cgroup/unified']) {
    const folder = `${root}/synpipe-test-${process.pid}`;
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    t.after(() => rmdirSync(folder));
    if (readdirSync(folder).includes('pids.max')) return folder;
  }
  return undefined;
}

/** Joins the cgroup when Node starts, starts the threads that Node itself needs, and then allows MORE threads. */
const preload = `
const fs = require('node:fs');
const { LIMITED: folder, MORE: more } = process.env;
if (folder) {
  fs.writeFileSync(folder + '/cgroup.procs', String(process.pid));
  let left = 4;
  for (let at = 0; at < 4; at++) fs.stat('/', () => left--);
  // libuv aborts the process if it cannot start its own threads
  require('node:dns').lookup('127.0.0.1', () => {});
  fs.writeFileSync(folder + '/pids.max', String(Number(fs.readFileSync(folder + '/pids.current', 'utf8')) + Number(more)));
}
`;

function limited(folder: string, more: number, command: readonly string[]) {
  const file = fresh('limit.cjs');
  writeFileSync(file, preload);
  writeFileSync(`${folder}/pids.max`, 'max');
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, command, {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, NODE_OPTIONS: `--require=${file}`, LIMITED: folder, MORE: String(more) },
  });
  assert.equal(signal, null, stderr);
  return { status, stdout, stderr };
}

const remedy = 'raise the limit of processes: ulimit -u, or pids.max of its cgroup';
const left = () =>
  readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }).filter((it) => /synpipe-\d/.test(it));

live('no more threads: an error with a code, and nothing left behind', async (net, t) => {
  const folder = pidsCgroup(t);
  if (!folder) return cannot(t, 'this machine has no pids controller');
  const before = left();
  const collector = [`${bin}collector`, '--tier', 'tracepoint', '--netns', String(net.inode)];
  assert.deepEqual(limited(folder, 0, collector), {
    ...{ status: 1, stdout: '', stderr: `collector: cannot start a thread: EAGAIN; ${remedy}\n` },
  });
  const first = limited(folder, 1, collector); // one for the collector, none to try giving up privileges
  assert.deepEqual(first, {
    ...{ status: 1, stdout: '', stderr: `collector: cannot give up privileges: EAGAIN; ${remedy}\n` },
  });
  const traced = limited(folder, 0, [...collector.slice(0, 1), '--', 'true']);
  assert.deepEqual(traced, {
    status: 1,
    stdout: '',
    stderr: `collector: cannot start sh: EAGAIN; ${remedy}\n`,
  });
  const helper = limited(folder, 1, [...collector.slice(0, 1), '--', 'true']);
  assert.deepEqual(helper, traced);
  assert.deepEqual(left(), before);
  const run = limited(folder, 0, [`${bin}synpipe`, 'run', 'collector | filter']);
  assert.equal(run.status, 1);
  assert.match(run.stderr, /^synpipe run: cannot start \S+: EAGAIN; raise the limit/);
});

live('the addon: every exception is an Error with a code', async (net, t) => {
  const folder = pidsCgroup(t);
  if (!folder) return cannot(t, 'this machine has no pids controller');
  const program = `
    const { execFileSync } = require('node:child_process');
    const { readFileSync } = require('node:fs');
    const addon = require(${JSON.stringify(`${bin}../native/linux-${process.arch}/collector.node`)});
    const object = ${JSON.stringify(`${bin}../native/linux-${process.arch}/bpf/tracepoint.bpf.o`)};
    const resultOf = (call) => { try { return call(); } catch ({ message, code, step }) { return { message, code, step }; } };
    const start = () => resultOf(() => addon.start({ object, fd: 1, netns: [${net.inode}] }, () => {}));
    console.log(JSON.stringify(process.env.LIMITED ? [start(), start()] : memory()));

    function memory() {
      const path = 'x'.repeat(1 << 28);
      Buffer.byteLength(path);
      const [, size] = /^VmSize:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'));
      execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + (Number(size) * 1024 + (1 << 26))]);
      return [resultOf(() => addon.networkNamespace(path))];
    }`;
  const file = fresh('addon.cjs');
  writeFileSync(file, program);
  const thread = { message: 'cannot start a thread: EAGAIN', code: 'EAGAIN', step: 'thread' };
  const { status, stdout, stderr } = limited(folder, 0, [file]);
  assert.deepEqual([status, stderr, JSON.parse(stdout)], [0, '', [thread, thread]]);
  const memory = { message: 'cannot read a namespace: ENOMEM', code: 'ENOMEM', step: 'namespace' };
  const output = execFileSync(process.execPath, [file], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(output), [memory]);
});

live('a program whose collector cannot be started gets an error from the stream', async (_, t) => {
  const folder = pidsCgroup(t);
  if (!folder) return cannot(t, 'this machine has no pids controller');
  const file = fresh('program.mjs');
  const library = JSON.stringify(new URL('../../dist/index.js', import.meta.url).href);
  writeFileSync(
    file,
    `import { collector, RuntimeError } from ${library};
     try { for await (const _ of collector({ duration: '1s' })); } catch (error) {
       console.log(error instanceof RuntimeError, error.message);
     }`,
  );
  const { status, stdout, stderr } = limited(folder, 0, [file]);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^true cannot start collector: EAGAIN; raise the limit of processes/);
});
