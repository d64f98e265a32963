import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { cgroup2 } from '../../../schemas/pipe/io/machine.js';
import { Containers } from '../../../transforms/enrich/containers.js';
import { connect, ndjson } from '../../support/events.js';
import { folder, undo } from '../../support/process.js';
import { root, shell } from '../../support/shell.js';

const [docker, podman, pod] = ['d', 'a', 'b'].map((digit) => digit.repeat(64)) as [string, string, string];
const uid = '0d8b1c1e-3c55-4ea0-a2a8-0c3f1cf6c2b1';

/** Makes a /var as Docker 20.10, Podman 4.3 and the kubelet fill it, including file modes. */
function files(t: TestContext): string {
  const dir = folder(t);
  const made = (path: string, mode: number) => mkdirSync(join(dir, path), { recursive: true, mode });
  for (const path of ['lib/docker', 'lib/docker/containers', `lib/docker/containers/${docker}`]) made(path, 0o710);
  write(dir, `lib/docker/containers/${docker}/config.v2.json`, {
    ID: docker,
    Config: { Hostname: 'x', Image: 'demo:1.0', Labels: {} },
    Image: 'sha256:26459a',
    Name: '/web',
  });
  for (const path of ['lib/containers', 'lib/containers/storage', 'lib/containers/storage/overlay-containers'])
    made(path, 0o700);
  const metadata = '{"image-name":"localhost/demo:1.0","image-id":"ccd190","name":"db","created-at":1795894107}';
  write(dir, 'lib/containers/storage/overlay-containers/containers.json', [
    { id: podman, names: ['db'], image: 'ccd190', metadata, flags: { MountLabel: '' } },
  ]);
  made('log/containers', 0o755);
  symlinkSync(`/var/log/pods/x/0.log`, join(dir, `log/containers/web-7d4b-x2x9k_my-ns_app-${pod}.log`));
  return dir;
}

const write = (dir: string, path: string, value: unknown, mode = 0o600) =>
  writeFileSync(join(dir, path), typeof value === 'string' ? value : JSON.stringify(value), { mode });

const none = () => assert.fail('nothing is denied');

test('names and images, from the files of Docker, Podman and the kubelet', (t) => {
  const containers = new Containers(files(t), none, '/nonexistent');
  const of = (who: object) => containers.of(who, 0).names;
  assert.deepEqual(of({ container: docker, runtime: 'docker' }), { container_name: 'web', image: 'demo:1.0' });
  assert.deepEqual(of({ container: podman, runtime: 'podman' }), { container_name: 'db', image: 'localhost/demo:1.0' });
  assert.deepEqual(of({ container: pod, runtime: 'containerd', pod: uid }), {
    container_name: 'app',
    pod_name: 'web-7d4b-x2x9k',
    pod_namespace: 'my-ns',
  });
  assert.deepEqual(of({ container: 'c'.repeat(64) }), {});
  assert.deepEqual(of({ container: '../../../etc/passwd', runtime: 'docker' }), {}, 'no path');
});

test('rootless Podman: the home of the user who runs enrich is searched', (t) => {
  const home = folder(t);
  mkdirSync(join(home, '.local/share/containers/storage/vfs-containers'), { recursive: true });
  const names = [{ id: podman, names: ['mine'], metadata: '{"image-name":"mine:2"}' }];
  write(home, '.local/share/containers/storage/vfs-containers/containers.json', names);
  const containers = new Containers('/nonexistent', none, home);
  const { names: found } = containers.of({ container: podman, runtime: 'podman' }, 0);
  assert.deepEqual(found, { container_name: 'mine', image: 'mine:2' });
});

test('a container that starts later is found, without a search at each event', (t) => {
  const dir = files(t);
  const containers = new Containers(dir, none, '/nonexistent');
  const late = { container: 'c'.repeat(64), runtime: 'docker' };
  assert.deepEqual(containers.of(late, 0), { names: {}, young: true });
  mkdirSync(join(dir, 'lib/docker/containers', late.container));
  write(dir, `lib/docker/containers/${late.container}/config.v2.json`, { Name: '/late', Config: { Image: 'x' } });
  assert.deepEqual(containers.of(late, 999).names, {}, 'too soon');
  assert.deepEqual(containers.of(late, 1_000), { names: { container_name: 'late', image: 'x' }, young: false });
  const never = { container: 'e'.repeat(64), runtime: 'docker' };
  assert.equal(containers.of(never, 0).young, true);
  assert.equal(containers.of(never, 20_000).young, false);
});

test("any content of other users' files is harmless", (t) => {
  const dir = files(t);
  const path = `lib/docker/containers/${docker}/config.v2.json`;
  const of = () => new Containers(dir, none, '/nonexistent').of({ container: docker, runtime: 'docker' }, 0).names;
  for (const text of ['', 'null', '[]', '7', '{"Name":7,"Config":[]}', '{"Name":"/","Config":{"Image":""}}', '{']) {
    write(dir, path, text);
    assert.deepEqual(of(), {}, text);
  }
  write(dir, path, { Name: `/\u001b[31m${'x'.repeat(1_000)}`, Config: { Image: '\n' } });
  const { container_name = '', image = '' } = of();
  assert.match(container_name, /^[ -~]{255}$/);
  assert.match(image, /^[ -~]+$/);
  write(dir, path, `{"Name":"/big"}${' '.repeat(17 << 20)}`);
  assert.deepEqual(of(), {});
  const storage = 'lib/containers/storage/overlay-containers/containers.json';
  for (const list of ['{}', '[null,1,[]]', `[{"id":"${podman}","names":"x","metadata":"{"}]`]) {
    write(dir, storage, list);
    const { names } = new Containers(dir, none, '/nonexistent').of({ container: podman, runtime: 'podman' }, 0);
    assert.deepEqual(names, {}, list);
  }
});

let count = 0;

/** An event of a process in a cgroup that a runtime would make. The cgroup is removed after the test. */
function eventIn(t: TestContext, path: string): object {
  const top = join(cgroup2() as string, `synpipe-containers-${process.pid}-${count++}`);
  const parts = path.split('/').map((_, at, all) => join(top, ...all.slice(0, at + 1)));
  mkdirSync(parts.at(-1) as string, { recursive: true });
  undo(t, () => {
    for (const part of [...parts.reverse(), top]) if (statSync(part, { throwIfNoEntry: false })) rmdirSync(part);
  });
  return connect({ cgroup: String(statSync(parts.at(-1) as string, { bigint: true }).ino), pid: 4_000_000_000 });
}

const able = process.getuid?.() === 0 && cgroup2() !== undefined;
const skip = able ? false : 'needs root and cgroup v2';

test('enrich as another user reports once what it cannot read; a capability is enough', {
  skip,
}, async (t) => {
  const dir = files(t);
  chmodSync(join(dir), 0o755);
  const event = eventIn(t, `docker/${docker}`);
  const input = ndjson(event, event, eventIn(t, `kubepods/besteffort/pod${uid}/${pod}`));
  const as = 'setpriv --reuid=nobody --regid=nogroup --clear-groups';
  const run = (caps: string) =>
    shell(`${as} ${caps} $(which node) ${root}dist/bin/enrich --with container --var ${dir}`, dir, input);
  const events = (stdout: string) =>
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  const denied = await run('');
  assert.equal(denied.code, 0);
  assert.equal(
    denied.stderr,
    `enrich: cannot read ${dir}/lib/docker/containers: permission denied, so containers get no name or image; ` +
      'give enrich CAP_DAC_READ_SEARCH (setpriv --ambient-caps), or run it as root\n',
  );
  const [plain, , inPod] = events(denied.stdout);
  assert.deepEqual([plain.container, plain.container_name], [docker, undefined]);
  assert.deepEqual([inPod.pod_name, inPod.pod_namespace, inPod.container_name], ['web-7d4b-x2x9k', 'my-ns', 'app']);
  const allowed = await run('--inh-caps=+dac_read_search --ambient-caps=+dac_read_search');
  assert.deepEqual([allowed.code, allowed.stderr], [0, '']);
  const [named, again] = events(allowed.stdout);
  assert.deepEqual([named.container_name, named.image, again.image], ['web', 'demo:1.0', 'demo:1.0']);
  const nobody = `env -u HOME setpriv --reuid=54321 --clear-groups $(which node) ${root}dist/bin/enrich --with container`;
  assert.equal((await shell(nobody, dir, input)).code, 0, 'a user without a home');
  const keys = Object.keys(named);
  assert.deepEqual(keys.slice(keys.indexOf('container')), ['container', 'container_name', 'image', 'runtime']);
});
