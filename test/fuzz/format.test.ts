import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const runs = Number(process.env.FUZZ_RUNS ?? 1_000_000);

test(`the formatter makes one canonical line of any record: ${runs} fuzzed ones, under ASan and UBSan`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    const run = (command: string, ...args: string[]) => {
      const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: folder });
      assert.equal(status, 0, stderr);
      return stderr;
    };
    const sources = [join(here, 'format.cc'), join(here, '../../collector/format.cc')];
    const sanitizers = ['-fsanitize=fuzzer,address,undefined', '-fno-sanitize-recover=all'];
    run('clang++', '-std=c++17', '-g', '-O1', ...sanitizers, `-I${join(here, '../../bpf')}`, ...sources, '-o', 'fuzz');
    const said = run('./fuzz', `-runs=${runs}`, '-seed=1', '-max_len=512', '-len_control=0');
    assert.match(said, new RegExp(`Done ${runs} runs`));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
