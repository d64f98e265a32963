import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

test('relocating with only the kernel types that a BPF object names gives the same programs as with all of them', (t) => {
  if (!existsSync('/sys/kernel/btf/vmlinux')) return t.skip('this kernel has no BTF');
  if (process.getuid?.() !== 0) return t.skip('needs root: libbpf relocates only if it may load programs');
  const folder = mkdtempSync(join(tmpdir(), 'types-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const program = join(folder, 'types');
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
