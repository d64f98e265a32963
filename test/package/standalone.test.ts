/**
 * What brings its own Node: the archive and the package, on a Debian without Node, and the image. Debian and Node are downloaded,
 * so this runs only with SYNPIPE_DOWNLOAD=1.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { folder, fresh } from '../live/folder.js';
import { cannot } from '../live/live.js';
import { until } from '../live/wait.js';
import { root as project } from '../support/shell.js';
import { manifestOf, runAs, unpack } from './bundle.js';
import { pack } from './pack.js';
import { Root } from './root.js';

const skip = process.env.SYNPIPE_DOWNLOAD === '1' ? false : 'SYNPIPE_DOWNLOAD is not 1';
const reason = process.getuid?.() === 0 ? undefined : 'needs root';
const { version, bin } = JSON.parse(readFileSync(`${project}package.json`, 'utf8'));
const archive = (cpu: string) => join(folder(), `synpipe-${version}-linux-${cpu}.tar.xz`);
const deb = (arch: string) => join(folder(), `synpipe-standalone_${version}_${arch}.deb`);
const image = () => join(folder(), `synpipe-${version}-oci.tar`);
const own = process.arch;
const connects = "bash -c '(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null; :'";

const packing = (name: string, run: () => void | Promise<void>) =>
  test(name, { skip }, (t) => (reason === undefined ? run() : cannot(t, reason)));

before(() => {
  if (skip || reason !== undefined) return;
  execFileSync(`${project}.ci/image`, [folder(), pack().tarball], { stdio: ['ignore', 'ignore', 'inherit'] });
});

packing('each is below 40 MB, and has the licences of what it brings', () => {
  for (const path of [archive('x64'), archive('arm64'), deb('amd64'), deb('arm64')]) {
    const { size } = statSync(path);
    console.log(`${path.slice(folder().length + 1)}: ${(size / 1e6).toFixed(1)} MB`);
    assert.ok(size < 40e6, `${path}: ${size} bytes`);
  }
  const read = (name: string) =>
    execFileSync('tar', ['-xOf', archive(own), `synpipe-${version}/lib/synpipe/${name}`], { encoding: 'utf8' });
  assert.match(read('node/LICENSE'), /Node\.js is licensed for use as follows/);
  assert.match(read('node/LICENSE.libstdc++'), /GCC RUNTIME LIBRARY EXCEPTION/);
  assert.match(read('dist/THIRD-PARTY-NOTICES'), /libelf/);
});

for (const release of ['bookworm', 'bullseye', 'trixie'])
  packing(`${release}: the main job works from the archive and from the .deb, which leaves nothing behind`, () => {
    const root = new Root({ release, node: false });
    const works = (line: string): string => {
      const { stdout, stderr, status } = root.run(line);
      assert.equal(status, 0, `${line}\n${stdout}${stderr}`);
      return stdout;
    };
    const attempt = (file: string) => {
      const { type, dport, result, comm } = JSON.parse(works(`cat ${file}`));
      assert.deepEqual([type, dport, result, comm], ['outcome', 9, 'refused', 'bash']);
    };
    assert.equal(root.run('type node nodejs').stdout, '');

    execFileSync('tar', ['-xf', archive(own), '-C', join(root.folder, 'opt')]);
    const opt = `/opt/synpipe-${version}/bin`;
    works(`${opt}/collector -P 9 -- ${connects} | ${opt}/filter --dport 9 | ${opt}/sink-file archive.ndjson`);
    attempt('archive.ndjson');
    works(`ln -s ${opt}/filter /usr/local/bin/ && filter --dport 9 archive.ndjson`);
    works('rm /usr/local/bin/filter');

    execFileSync('cp', [deb(own.replace('x64', 'amd64')), join(root.folder, 'root/synpipe.deb')]);
    works('dpkg -i synpipe.deb');
    assert.match(works('id synpipe'), /^uid=[1-9]\d*\(synpipe\) /);
    for (const name of Object.keys(bin)) assert.match(works(`${name} --help`), new RegExp(`^Usage: ${name}`, 'm'));
    works(`collector -P 9 -- ${connects} | filter --dport 9 | sink-file deb.ndjson`);
    attempt('deb.ndjson');
    works("synpipe run 'replay --speed max deb.ndjson | filter --dport 9 | sink-file run.ndjson'");
    attempt('run.ndjson');
    assert.match(works('doctor'), /^ *works +(fentry|kprobe|tracepoint)$/m);
    works('dpkg -P synpipe-standalone');
    assert.equal(root.run('ls -d /usr/bin/filter /usr/lib/synpipe').stdout, '');
  });

/** Runs a command in an emulated arm64 processor, with the libraries below a folder. */
function emulated(libraries: string, words: string[]): Buffer {
  const install = `command -v qemu-aarch64-static >/dev/null || ${project}.ci/install qemu-user-static`;
  execFileSync('bash', ['-c', install], { stdio: ['ignore', 'ignore', 'inherit'] });
  return execFileSync('qemu-aarch64-static', ['-L', libraries, ...words]);
}
const sample = `${project}dist/collector/replay/sample.ndjson`;

packing('arm64: the commands run in an emulated processor', () => {
  const cwd = fresh('arm64');
  mkdirSync(cwd);
  execFileSync('tar', ['-xf', archive('arm64'), '-C', cwd, '--strip-components=1']);
  const lib = `${cwd}/lib/synpipe`;
  const words = [`${lib}/node/node`, `${lib}/dist/bin/validate`, sample];
  assert.deepEqual(emulated('/usr/aarch64-linux-gnu', words), readFileSync(sample));
});

packing('the image for arm64 works, emulated', () => {
  const { bundle, size } = unpack(image(), 'arm64', folder());
  assert.ok(size < 80e6, `${size} bytes`);
  const root = `${bundle}/rootfs`;
  const lib = `${root}/usr/lib/synpipe`;
  assert.equal(readlinkSync(`${root}/usr/bin/cat`), '/bin/busybox');
  assert.deepEqual(emulated(root, [`${lib}/node/node`, `${lib}/dist/bin/validate`, sample]), readFileSync(sample));
});

packing('the image works in a container as the Kubernetes manifest describes it', async () => {
  const { bundle, size } = unpack(image(), own.replace('x64', 'amd64'), folder());
  console.log(`image: ${(size / 1e6).toFixed(1)} MB`);
  assert.ok(size < 80e6, `${size} bytes`);
  assert.match(execFileSync('chroot', [`${bundle}/rootfs`, 'cat', '/etc/passwd'], { encoding: 'utf8' }), /^synpipe:/m);
  // what the tracepoint tier needs in addition, by the collector's page; the other tiers do not use it
  const runtime = runAs(manifestOf('transforms/RECIPES.md'), bundle, ['SYS_ADMIN', 'DAC_READ_SEARCH']);
  const said = { stdout: '', stderr: '' };
  runtime.stdout.on('data', (data) => (said.stdout += data));
  runtime.stderr.on('data', (data) => (said.stderr += data));
  const ended = once(runtime, 'close');
  await until("an event on the container's standard output", () => {
    execFileSync('bash', ['-c', '(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null; :']);
    return said.stdout.includes('"dport":9,') || runtime.exitCode !== null;
  });
  runtime.kill('SIGTERM');
  await ended;
  const [line] = said.stdout.split('\n').filter((text) => text.includes('"dport":9,'));
  assert.notEqual(line, undefined, said.stderr);
  const { type, daddr, result, comm } = JSON.parse(line as string);
  assert.deepEqual([type, daddr, result, comm], ['outcome', '127.0.0.1', 'refused', 'bash']);
});
