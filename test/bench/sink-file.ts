/**
 * sink-file against `cat > file`, the same bytes through a pipe, in rounds that alternate:
 * `npx tsx test/bench/sink-file.ts [EVENTS [ROUNDS [FOLDER]]]`. Prints each round's seconds and the medians.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from '../support/lines.js';
import { env } from '../support/shell.js';

const [events = 2_000_000, rounds = 7] = process.argv.slice(2, 4).map(Number);
const dir = mkdtempSync(join(process.argv[4] ?? tmpdir(), 'synpipe-bench-'));
const ways = {
  cat: 'cat in | cat > out',
  'sink-file': 'cat in | sink-file out',
  'sink-file --rotate-size 100M': 'cat in | sink-file --rotate-size 100M out',
  "sink-file '{comm}'": "cat in | sink-file 'out-{comm}'",
};

function run(line: string): number {
  execFileSync('bash', ['-c', 'rm -f out*; sync .'], { cwd: dir });
  const start = process.hrtime.bigint();
  execFileSync('bash', ['-c', line], { cwd: dir, env });
  return Number(process.hrtime.bigint() - start) / 1e9;
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] as number;

try {
  execFileSync('bash', ['-c', `seq -f '${format}' ${events} > in`], { cwd: dir });
  const { size } = statSync(join(dir, 'in'));
  const times = new Map(Object.keys(ways).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const [name, line] of Object.entries(ways)) times.get(name)?.push(run(line));
  }
  console.log(`${events} events, ${(size / 2 ** 20).toFixed(0)} MiB, ${rounds} rounds`);
  const cat = times.get('cat') as number[];
  for (const [name, own] of times) {
    const ratio = median(own.map((seconds, round) => (cat[round] as number) / seconds));
    const rate = size / 2 ** 20 / median([...own]);
    console.log(
      `${name}: ${own.map((seconds) => seconds.toFixed(2)).join(' ')} s; ${rate.toFixed(0)} MiB/s; ${(ratio * 100).toFixed(0)} % of cat`,
    );
  }
} finally {
  rmSync(dir, { recursive: true });
}
