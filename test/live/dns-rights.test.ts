import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { ask, dnsIn, exchange, right } from './answers.js';
import { bin } from './collect.js';
import { fresh, onExit } from './folder.js';
import { exists, held, type Kind } from './held.js';
import { live } from './live.js';
import { needed, only, privileged } from './rights.js';
import { until } from './wait.js';

const kinds: Kind[] = ['prog', 'map', 'link'];

live(
  '--dns as nobody with only the capabilities that it needs: works, drops them, leaves nothing behind',
  async (net) => {
    const out = fresh('events.ndjson');
    const to = openSync(out, 'w');
    const args = [...only([...needed(), 'net_admin']), `${bin}collector`];
    const options = ['--status', '--dns', '--tier', 'tracepoint', `--netns=${net.inode}`];
    const child = spawn('setpriv', [...args, ...options], { stdio: ['ignore', to, 'inherit'] });
    closeSync(to);
    onExit(() => child.kill('SIGKILL'));
    const exit = once(child, 'exit');
    const lines = () => readFileSync(out, 'utf8').split('\n').slice(0, -1);
    await until('the collector starts', () => {
      assert.equal(child.exitCode, null);
      return lines().length > 0;
    });
    const pid = child.pid as number;
    await until('all capabilities are given up', () => privileged(pid).length === 0);
    const ids = kinds.flatMap((kind) => held(kind, pid).map((id) => [kind, id] as const));
    const links = ids.filter(([kind]) => kind === 'link');
    assert.ok(links.length >= 4, `${links}`);
    await exchange(net, [ask('host.test', (id) => [right(id, 'host.test')])]);
    child.kill('SIGTERM');
    assert.deepEqual(await exit, [0, null]);
    assert.deepEqual(
      dnsIn(lines()).map(({ name }) => name),
      ['host.test'],
    );
    for (const [kind, id] of ids) await until(`${kind} ${id} is gone`, () => !exists(kind, id));
  },
);

live('without cap_net_admin the message names only that', async () => {
  // mounts tracefs: without it cap_sys_admin is needed, which on some kernels is enough for this too
  const mount = "grep -q ' - tracefs ' /proc/self/mountinfo || mount -t tracefs tracefs /sys/kernel/tracing";
  const script = `{ ${mount}; } && exec setpriv "$@"`;
  const options = ['--dns', '--tier', 'tracepoint', '--duration', '1'];
  const collector = (capabilities: string[]) => {
    const args = ['-m', 'sh', '-c', script, 'sh', ...only(capabilities), `${bin}collector`, ...options];
    const { status, stdout, stderr } = spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
    return { status, stderr, silent: stdout === '' };
  };
  const without = ['bpf', 'perfmon', 'dac_read_search'];
  const { stderr, ...more } = collector(without);
  assert.match(
    stderr,
    /^collector: cannot (load BPF \w+ \w+|attach the BPF programs for DNS[^:]*): EPERM; run as root or grant cap_net_admin\n$/,
  );
  assert.deepEqual(more, { status: 1, silent: true });
  assert.deepEqual({ ...collector([...without, 'net_admin']), silent: true }, { status: 0, stderr: '', silent: true });
});

live('without a cgroup2 mount: one line, and doctor says so', async () => {
  const run = (command: string) => {
    const script = 'umount -l "$(findmnt -rn -t cgroup2 -o TARGET | head -n 1)" && exec "$@"';
    const args = ['-m', 'sh', '-c', script, 'sh', ...command.split(' ')];
    return spawnSync('unshare', args, { encoding: 'utf8', timeout: 60_000 });
  };
  const why =
    'cannot see DNS: no cgroup2 is mounted; run mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified, or leave out --dns';
  const { status, stdout, stderr } = run(`${bin}collector --dns`);
  assert.deepEqual({ status, stdout, stderr }, { status: 1, stdout: '', stderr: `collector: ${why}\n` });
  const doctor = run(`${bin}doctor`);
  assert.equal(doctor.status, 0);
  assert.ok(doctor.stdout.includes(`\nfails  --dns: ${why}\n`), doctor.stdout);
});
