import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bin, Collector, statuses } from './collect.js';
import { fresh } from './folder.js';
import { live } from './live.js';
import { identities, nobody, privileged, wholly } from './rights.js';
import { gone, trace } from './traced.js';
import { until } from './wait.js';

interface Begun {
  child: ChildProcess;
  pid: number;
  lines: () => string[];
  said: () => string;
  exit: Promise<unknown[]>;
}

/** Starts a collector after the words in `before`, and waits until it has attached and given up its privileges. */
async function begin(
  t: TestContext,
  before: string[],
  args: (string | number)[],
  env: Record<string, string> = {},
): Promise<Begun> {
  const [out, err] = [fresh('events.ndjson'), fresh('stderr')];
  const [to, errors] = [openSync(out, 'w'), openSync(err, 'w')];
  const [file = '', ...rest] = [...before, `${bin}collector`, '--status', ...args.map(String)];
  const { SUDO_UID: _, SUDO_GID: __, ...own } = process.env;
  const child = spawn(file, rest, { stdio: ['ignore', to, errors], env: { ...own, ...env } });
  for (const fd of [to, errors]) closeSync(fd);
  t.after(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  const lines = () => readFileSync(out, 'utf8').split('\n').slice(0, -1);
  const said = () => readFileSync(err, 'utf8');
  await until('the collector starts', () => {
    assert.equal(child.exitCode, null, said());
    return lines().length > 0;
  });
  const pid = child.pid as number;
  await until('all capabilities are given up', () => privileged(pid).length === 0);
  return { child, pid, lines, said, exit };
}

async function end({ child, exit, said }: Begun): Promise<void> {
  child.kill('SIGTERM');
  assert.deepEqual([await exit, said()], [[0, null], '']);
}

/** The words before a command that give it another user database: the machine's, without `synpipe`, and with these lines. */
function withUsers(...users: string[]): string[] {
  const passwd = fresh('passwd');
  const others = readFileSync('/etc/passwd', 'utf8').replace(/^synpipe:.*\n/m, '');
  writeFileSync(passwd, others + users.map((line) => `${line}\n`).join(''));
  return ['unshare', '-m', 'sh', '-c', `mount --bind ${passwd} /etc/passwd && exec "$@"`, 'sh'];
}

const system = 'synpipe:x:1234599:1234598::/nonexistent:/usr/sbin/nologin';
for (const [what, before, args, env, uid, gid] of [
  ['nobody', withUsers(), [], {}, nobody, nobody],
  ['nobody if root called sudo', withUsers(), [], { SUDO_UID: '0', SUDO_GID: '0' }, nobody, nobody],
  ['the user synpipe, if there is one', withUsers(system), [], {}, 1_234_599, 1_234_598],
  ['who called sudo', withUsers(system), [], { SUDO_UID: '1234567', SUDO_GID: '7654321' }, 1_234_567, 7_654_321],
  ['--user', withUsers(system), ['--user', 'daemon'], { SUDO_UID: '1234567', SUDO_GID: '7654321' }, 1, 1],
  ['--user by number', withUsers(system), ['--user', '1234599'], {}, 1_234_599, 1_234_598],
] as const)
  live(`once it runs, every thread is ${what}, and it still sees everything`, async (net, t) => {
    const collector = await begin(t, [...before], [...args, '--report', 'outcome', '--netns', net.inode], env);
    assert.deepEqual(identities(collector.pid), wholly(uid, gid));
    assert.equal(statuses(collector.lines())[0]?.filters?.user, undefined);
    await net.client(['quiet', 10, '127.0.0.1', 9]);
    await end(collector);
    const [, last] = statuses(collector.lines());
    assert.deepEqual([last?.out, last?.lost], [10, 0]);
  });

live('exits normally although its new user may have no more threads', async (net, t) => {
  const collector = await begin(t, ['prlimit', '--nproc=1:1'], ['--user', 'nobody', '--netns', net.inode]);
  assert.deepEqual(identities(collector.pid), wholly(nobody, nobody));
  await end(collector);
});

live('--user root stays root, without capabilities', async (net, t) => {
  const collector = await begin(t, [], ['--user', 'root', '--netns', net.inode]);
  assert.match(identities(collector.pid).join(), /^0 0 0 0; /);
  await end(collector);
});

const without = ['setpriv', '--bounding-set=-setuid,-setgid'];

live('without CAP_SETUID it says so and stays root, without capabilities', async (net, t) => {
  const { child, pid, exit, said } = await begin(t, without, ['--netns', net.inode]);
  assert.match(identities(pid).join(), /^0 0 0 0; /);
  child.kill('SIGTERM');
  assert.deepEqual(await exit, [0, null]);
  assert.equal(
    said(),
    'collector: stays root, without capabilities: it lacks CAP_SETUID and CAP_SETGID to become another user\n',
  );
});

live(
  'without CAP_SETUID, --user fails before anything is printed; a user that does not exist is a usage error',
  async () => {
    const run = (before: string[], user: string) => {
      const [file = '', ...args] = [...before, `${bin}collector`, '--status', '--user', user];
      const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 60_000 });
      return [status, stdout, stderr];
    };
    const remedy = 'grant them or leave out --user';
    const refused = `collector: cannot become daemon without CAP_SETUID and CAP_SETGID; ${remedy}\n`;
    assert.deepEqual(run(without, 'daemon'), [1, '', refused]);
    const none = 'collector: invalid --user "no one": this user does not exist; see getent passwd\n';
    assert.deepEqual(run([], 'no one'), [2, '', none]);
  },
);

/** What another process of the same user, without any capability, can access of this one. */
function taken(pid: number): string[] {
  const as = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--bounding-set=-all'];
  const script = fileURLToPath(new URL('take.py', import.meta.url));
  return JSON.parse(execFileSync('setpriv', [...as, '/usr/bin/python3', script, String(pid)], { encoding: 'utf8' }));
}

live('a process of the same user can access nothing of it', async (net, t) => {
  const sleeper = spawn('setpriv', [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', 'sleep', '1000']);
  t.after(() => sleeper.kill('SIGKILL'));
  await until('it sleeps', () => readFileSync(`/proc/${sleeper.pid}/comm`, 'utf8') === 'sleep\n');
  assert.deepEqual(taken(sleeper.pid as number), ['fd', 'maps', 'mem', 'pidfd_getfd', 'ptrace']);
  sleeper.kill();
  const collector = await begin(t, withUsers(), ['--netns', net.inode]);
  assert.deepEqual(identities(collector.pid), wholly(nobody, nobody));
  assert.deepEqual(taken(collector.pid), []);
  const as = [`--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups'];
  execFileSync('setpriv', [...as, 'kill', '-USR1', String(collector.pid)]); // Node's debugger stays closed: stderr is checked
  await end(collector);
});

live('a signal reaches a command that runs as another user', async (net, t) => {
  for (const [signal, code] of [
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    const run = trace(net, ['--user', 'daemon', '--status', '--', 'sh', '-c', 'id -u; exec sleep 1000']);
    t.after(() => run.child.kill('SIGKILL'));
    await until('it runs', () => run.stderr() === '0\n');
    assert.deepEqual(identities(run.child.pid as number), wholly(1, 1));
    run.child.kill(signal);
    assert.equal(await run.ended, code);
    assert.equal(statuses(run.lines()).length, 2);
    await gone(run);
  }
});

live('metrics on a port below 1024 include those of the process', async (net, t) => {
  const collector = await begin(t, net.enter, ['--netns', net.inode, '--metrics', '80']);
  const script = "fetch('http://127.0.0.1:80/metrics').then(async (got) => console.log(await got.text()))";
  const text = net.run('node', '-e', script);
  assert.match(text, /^process_resident_memory_bytes [1-9]\d+$/m);
  assert.match(text, /^process_cpu_seconds_total \d/m);
  await end(collector);
});

live('metrics are written to a file in a folder that it may no longer write to', async (net) => {
  const folder = fresh('metrics');
  mkdirSync(folder, { mode: 0o755 });
  const path = `${folder}/x.prom`;
  const args = ['--report', 'outcome', '--netns', net.inode, '--metrics', path];
  const collector = await Collector.start(args);
  await net.client(['quiet', 10, '127.0.0.1', 9]);
  const { code, stderr } = await collector.stop();
  assert.deepEqual([code, stderr, readdirSync(folder)], [0, '', ['x.prom']]);
  const text = readFileSync(path, 'utf8');
  assert.match(text, /^synpipe_events_out_total\{file="x",command="collector",stage="1"\} 10$/m);

  const other = await Collector.start(args);
  renameSync(folder, `${folder}-away`);
  const ended = await other.stop();
  const said = `collector: cannot write metrics ${path}: ENOENT; check the path\n`;
  assert.deepEqual([ended.code, ended.stderr], [0, said]);
  assert.equal(readFileSync(`${folder}-away/x.prom`, 'utf8').length > 0, true);
});

live('the metrics writer ends with a collector that is killed', async (net) => {
  const path = `${fresh('')}killed.prom`;
  const collector = await Collector.start(['--netns', net.inode, '--metrics', path]);
  const pid = collector.child.pid as number;
  const [helper] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  assert.ok(readFileSync(`/proc/${helper}/cmdline`, 'utf8').includes(path));
  await collector.stop('SIGKILL');
  await until('it has ended', () => spawnSync('test', ['-e', `/proc/${helper}`]).status === 1);
});
