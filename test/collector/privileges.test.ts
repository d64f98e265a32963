import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test('all threads become another user, and keep CAP_BPF if it is needed', (t) => {
  if (process.getuid?.() !== 0) return t.skip('needs root');
  const folder = mkdtempSync(join(tmpdir(), 'privileges-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'privileges');
  const sources = [here('privileges.cc'), here('../../collector/privileges.cc')];
  const flags = ['-std=c++17', '-O1', '-pthread', `-I${here('../../collector')}`, '-o', program, ...sources];
  const built = spawnSync('g++', flags, { encoding: 'utf8' });
  assert.equal(built.stderr, '');
  const { status, stdout } = spawnSync(program, { encoding: 'utf8' });
  assert.equal(status, 0);
  const bpf = '0000008000000000';
  const none = '0000000000000000';
  for (const [name, value] of Object.entries({
    Uid: '1234567\t1234567\t1234567\t1234567',
    Gid: '7654321\t7654321\t7654321\t7654321',
    Groups: ' ',
    CapInh: none,
    CapPrm: bpf,
    CapEff: bpf,
    CapBnd: bpf,
    CapAmb: none,
    NoNewPrivs: '1',
  })) {
    const found = [...stdout.matchAll(new RegExp(`^${name}:\t(.*)$`, 'gm'))].map(([, text]) => text);
    assert.deepEqual(found, Array(9).fill(value), name);
  }
  assert.match(stdout, /^Dumpable:\t0$/m);
});
