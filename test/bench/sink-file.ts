/**
 * Measures sink-file against `cat > file`, the same bytes through a pipe, in alternating rounds:
 * `npx tsx test/bench/sink-file.ts [EVENTS [ROUNDS [FOLDER]]]`. Prints each round's seconds and the medians, and writes
 * them to test/bench/runs/. Two lower bounds are measured too: a Node that only copies, and one that only starts.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from '../support/lines.js';
import { env } from '../support/shell.js';

const [events = 2_000_000, rounds = 7] = process.argv.slice(2, 4).map(Number);
const dir = mkdtempSync(join(process.argv[4] ?? tmpdir(), 'synpipe-bench-'));
const copy = `const fs = require('fs'), b = Buffer.allocUnsafe(1 << 18), out = fs.openSync('out', 'a');
for (let n; (n = fs.readSync(0, b)) > 0; ) fs.writeSync(out, b, 0, n)`;
const ways = {
  cat: 'cat in | cat > out',
  'sink-file': 'cat in | sink-file out',
  'sink-file < in': 'sink-file out < in',
  'sink-file --rotate-size 100M': 'cat in | sink-file --rotate-size 100M out',
  "sink-file '{comm}'": "cat in | sink-file 'out-{comm}'",
  'node, blocking copy': 'cat in | node copy.cjs',
  'sink-file, nothing to do': 'sink-file out < /dev/null',
};

function run(line: string): number {
  execFileSync('bash', ['-c', 'rm -f out*; sync .'], { cwd: dir });
  const start = process.hrtime.bigint();
  execFileSync('bash', ['-c', line], { cwd: dir, env });
  return Number(process.hrtime.bigint() - start) / 1e9;
}

const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;

try {
  writeFileSync(join(dir, 'copy.cjs'), copy);
  execFileSync('bash', ['-c', `seq -f '${format}' ${events} > in`], { cwd: dir });
  const { size } = statSync(join(dir, 'in'));
  const times = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, line] of Object.entries(ways)) times.get(name)?.push(Math.round(run(line) * 1e3) / 1e3);
  }
  const cat = times.get('cat') as number[];
  const result = {
    date: new Date().toISOString(),
    machine: { kernel: release(), cpu: cpus()[0]?.model, cores: cpus().length, node: process.version },
    ...{ events, bytes: size, rounds },
    ways: Object.fromEntries(
      [...times].map(([name, seconds]) => {
        const ofCat = median(seconds.map((own, round) => (cat[round] as number) / own));
        return [name, { seconds, median: median(seconds), ofCat: Math.round(ofCat * 100) / 100 }];
      }),
    ),
  };
  mkdirSync(new URL('runs/', import.meta.url), { recursive: true });
  writeFileSync(new URL(`runs/sink-file-${release()}.json`, import.meta.url), `${JSON.stringify(result, null, 1)}\n`);
  console.log(result.ways);
} finally {
  rmSync(dir, { recursive: true });
}
