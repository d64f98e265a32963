import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cgroupNotes } from '../../../collector/hybrid.js';
import { hasCgroup1 } from '../../../schemas/pipe/io/machine.js';
import { parseCgroupPaths } from '../../../transforms/enrich/cgroup.js';
import { Processes, v1Paths } from '../../../transforms/enrich/processes.js';
import { undo } from '../../support/process.js';

const id = '4f1c0a9d3b5e'.repeat(6).slice(0, 64);
const uid = '0d8b1c1e-3c55-4ea0-a2a8-0c3f1cf6c2b1';

test('what /proc/PID/cgroup says on hosts with cgroup v1', () => {
  const of = (...lines: string[]) => parseCgroupPaths(v1Paths(`${lines.join('\n')}\n`));
  const docker = { container: id, runtime: 'docker' };
  assert.deepEqual(of(`5:cpu,cpuacct:/docker/${id}`, `1:name=systemd:/docker/${id}`, '0::/'), docker);
  assert.deepEqual(of(`5:memory:/docker/${id}`, '1:name=systemd:/', '0::/system.slice/x.service'), docker);
  assert.deepEqual(of(`4:pids:/system.slice/docker-${id}.scope`, `1:name=systemd:/system.slice/docker-${id}.scope`), {
    unit: `docker-${id}.scope`,
    ...docker,
  });
  assert.deepEqual(of('4:pids:/system.slice', '2:memory:/', '1:name=systemd:/system.slice/nginx.service', '0::/'), {
    unit: 'nginx.service',
  });
  assert.deepEqual(of(`9:memory:/kubepods/burstable/pod${uid}/${id}`, '1:name=systemd:/', '0::/'), {
    container: id,
    pod: uid,
  });
  assert.deepEqual(
    of(`1:name=systemd:/kubepods.slice/kubepods-pod${uid.replaceAll('-', '_')}.slice/crio-${id}.scope`),
    {
      unit: `crio-${id}.scope`,
      container: id,
      runtime: 'cri-o',
      pod: uid,
    },
  );
  assert.deepEqual(of('0::/system.slice/only-v2.service'), {});
  assert.deepEqual(of('1:name=systemd:/', '2:cpu:/'), {});
  assert.deepEqual(of('nonsense', ''), {});
});

const v1 = '31 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu';
const v2 = '42 24 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw';

test('which hosts have cgroup v1, and what doctor says about them', () => {
  assert.deepEqual([hasCgroup1(v1), hasCgroup1(v2), hasCgroup1(`${v2}\n${v1}`)], [true, false, true]);
  assert.deepEqual(cgroupNotes(v2), []);
  assert.match(cgroupNotes('').join('\n'), /^cgroup v2 is not mounted: [^\n]*$/);
  assert.match(cgroupNotes(`${v1}\n${v2}`).join('\n'), /^cgroup v1 is in use too: .*\ncgroup v1: .*$/);
  const hidden = '22 1 0:21 / /proc rw,nosuid - proc proc rw,hidepid=invisible';
  assert.match(cgroupNotes(`${v1}\n${v2}\n${hidden}`).join('\n'), /\nhidepid: /);
  assert.doesNotMatch(cgroupNotes(`${v1}\n${v2}\n${hidden.replace('invisible', '0')}`).join('\n'), /hidepid/);
});

const systemd = '/sys/fs/cgroup/systemd';
const skip = process.getuid?.() === 0 && existsSync(join(systemd, 'cgroup.procs')) ? false : 'needs root and cgroup v1';

/** Starts a process in a v1 cgroup as Docker would make it. */
async function contained(t: TestContext, command = 'exec sleep 1000'): Promise<ChildProcess> {
  const top = join(systemd, `synpipe-${process.pid}`);
  const folders = [join(top, 'docker', id), join(top, 'docker'), top];
  mkdirSync(folders[0] as string, { recursive: true });
  undo(t, () => {
    for (const folder of folders) if (existsSync(folder)) rmdirSync(folder);
  });
  const child = spawn('sh', ['-c', `echo $$ > ${folders[0]}/cgroup.procs && echo in && ${command}`]);
  undo(t, () => end(child));
  await once(child.stdout, 'data');
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('finds a process in a v1 cgroup while it lives, and for a second after', { skip }, async (t) => {
  const processes = Processes.here() as Processes;
  const child = await contained(t);
  const pid = child.pid as number;
  const now = Date.now();
  const docker = { container: id, runtime: 'docker' };
  assert.deepEqual(processes.find(pid, now), docker);
  assert.equal(processes.find(pid, now - 60_000), undefined, 'before it started the PID was not its own');
  assert.deepEqual(processes.find(process.pid, now)?.container, undefined);
  await end(child);
  assert.deepEqual(processes.find(pid, now + 1), docker);
  assert.equal(processes.find(pid, now + 10_000, now + 10_000), undefined, 'gone');
});

test('a PID that is used again does not get the container of the process before', { skip }, async (t) => {
  const processes = Processes.here() as Processes;
  for (let tries = 0; tries < 50; tries++) {
    const child = await contained(t);
    const pid = child.pid as number;
    assert.equal(processes.find(pid, Date.now())?.container, id);
    await end(child);
    const again = `echo ${pid - 1} > /proc/sys/kernel/ns_last_pid; sleep 1000 >/dev/null 2>&1 & pid=$!
      until [ "$(</proc/$pid/comm)" = sleep ]; do :; done; echo $pid`;
    const next = Number(execFileSync('bash', ['-c', again], { encoding: 'utf8' }));
    undo(t, () => process.kill(next, 'SIGKILL'));
    if (next !== pid) continue; // another process got the PID first
    const later = Date.now() + 2_000;
    assert.equal(readFileSync(`/proc/${pid}/comm`, 'utf8'), 'sleep\n');
    assert.equal(processes.find(pid, later, later)?.container, undefined);
    return;
  }
  t.skip('another process took the PID each time');
});
