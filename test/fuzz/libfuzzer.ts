import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

export interface Fuzzing {
  /** The file with the fuzzer's entry point, in this folder, C or C++; and the files under test, in collector/. */
  entry: string;
  collector?: readonly string[];
  libraries?: readonly string[];
  runs: number;
  /** The longest input, in bytes. */
  longest: number;
  /** Inputs to start from. */
  seeds?: readonly Buffer[];
}

/** Builds a fuzzer with ASan and UBSan, and runs it on `runs` inputs, the same every time. Fails if it finds something. */
export function fuzz({ entry, collector = [], libraries = [], runs, longest, seeds = [] }: Fuzzing): void {
  const folder = mkdtempSync(join(tmpdir(), 'fuzz-'));
  try {
    const run = (command: string, ...args: string[]) => {
      const { status, stderr } = spawnSync(command, args, { encoding: 'utf8', cwd: folder, maxBuffer: 1 << 28 });
      assert.equal(status, 0, stderr);
      return stderr;
    };
    mkdirSync(join(folder, 'corpus'));
    for (const [i, seed] of seeds.entries()) writeFileSync(join(folder, 'corpus', String(i)), seed);
    const sources = [join(here, entry), ...collector.map((file) => join(here, '../../collector', file))];
    const compiler = entry.endsWith('.c') ? ['clang'] : ['clang++', '-std=c++17'];
    const flags = [
      ...compiler.slice(1),
      '-g',
      '-O1',
      '-fsanitize=fuzzer,address,undefined',
      '-fno-sanitize-recover=all',
    ];
    run(compiler[0] as string, ...flags, `-I${join(here, '../../bpf')}`, ...sources, '-o', 'fuzz', ...libraries);
    const said = run('./fuzz', `-runs=${runs}`, '-seed=1', `-max_len=${longest}`, '-len_control=0', 'corpus');
    assert.match(said, new RegExp(`Done ${runs} runs`));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
