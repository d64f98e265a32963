import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fresh } from '../live/folder.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test('a BPF object becomes the same programs with the types that it names as with all types of the kernel', (t) => {
  if (!existsSync('/sys/kernel/btf/vmlinux')) return t.skip('this kernel has no BTF');
  if (process.getuid?.() !== 0) return t.skip('without root, libbpf relocates nothing');
  const program = fresh('types');
  const sources = [here('kernel-types.cc'), here('../../collector/kernel_types.cc')];
  const flags = ['-std=c++17', '-O1', `-I${here('../../collector')}`, '-o', program, ...sources, '-lbpf'];
  const built = spawnSync('g++', flags, { encoding: 'utf8' });
  assert.equal(built.stderr, '');
  const objects = here(`../../dist/native/${process.platform}-${process.arch}/bpf`);
  const paths = readdirSync(objects).map((name) => join(objects, name));
  const { stdout } = spawnSync(program, paths, { encoding: 'utf8' });
  const counts = stdout.trim().split('\n');
  assert.equal(counts.length, paths.length, stdout);
  for (const count of counts) assert.ok(Number(count) > 100, stdout);
});
