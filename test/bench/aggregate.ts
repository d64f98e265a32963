/**
 * aggregate against DuckDB and against split2 + ajv, from a file, groups by (comm, daddr, dport), in rounds that alternate:
 * `npx tsx test/bench/aggregate.ts [EVENTS [ROUNDS]]`. Prints JSON: each round's seconds and peak memory. Does the work of
 * all contestants again for each round, output included, whose groups must be as many.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateFile } from '../support/generate.js';
import { env, root } from '../support/shell.js';

const [events = 2_000_000, rounds = 5] = process.argv.slice(2, 4).map(Number);
const dir = mkdtempSync(join(process.env.BENCH_DIR ?? tmpdir(), 'synpipe-bench-'));
const ours = 'aggregate --by comm,daddr,dport --max-groups 4000000';
const node = 'node --import tsx';
const duckdb = `${node} ${root}test/bench/duckdb.ts`;
const cases = {
  'few groups, count': {
    addresses: 40,
    aggregate: `${ours} --measure count < few`,
    duckdb: `${duckdb} few count`,
    split2: `${node} ${root}test/bench/split2.ts few`,
  },
  'few groups, failed and latency': {
    addresses: 40,
    aggregate: `${ours} --measure count,failed,latency < few`,
    duckdb: `${duckdb} few latency`,
  },
  'many groups, count': {
    addresses: 500_000,
    aggregate: `${ours} --measure count < many`,
    duckdb: `${duckdb} many count`,
    split2: `${node} ${root}test/bench/split2.ts many`,
  },
} satisfies Record<string, { addresses: number } & Record<string, string | number>>;

function run(line: string): { seconds: number; peakKb: number; groups: number } {
  const told = execFileSync(
    'bash',
    ['-o', 'pipefail', '-c', `{ /usr/bin/time -f '%e %M' bash -c 'exec ${line}' | wc -l; } 2>&1`],
    {
      cwd: dir,
      env,
      encoding: 'utf8',
    },
  );
  const [first = '', second = ''] = told.trim().split('\n').slice(-2);
  const [time, lines] = first.includes(' ') ? [first, second] : [second, first];
  const [seconds, peakKb] = time.split(' ').map(Number) as [number, number];
  return { seconds, peakKb, groups: Number(lines) };
}

try {
  generateFile(join(dir, 'few'), { count: events });
  generateFile(join(dir, 'many'), { count: events, addresses: 500_000 });
  const measured = Object.entries(cases).map(([what, { addresses: _, ...contestants }]) => {
    const taken = Object.fromEntries(Object.keys(contestants).map((name) => [name, [] as ReturnType<typeof run>[]]));
    for (let round = 0; round < rounds; round++) {
      for (const [name, line] of Object.entries(contestants)) {
        if (name === 'split2' && round > 1) continue; // slow, and always the same
        taken[name]?.push(run(line));
      }
    }
    const groups = new Set(Object.values(taken).flatMap((all) => all.map((one) => one.groups)));
    if (groups.size !== 1) throw new Error(`${what}: ${[...groups]} groups`);
    return { what, groups: [...groups][0], taken };
  });
  const bytes = statSync(join(dir, 'few')).size;
  const machine = { kernel: release(), cpus: cpus().length, node: process.version, date: new Date().toISOString() };
  console.log(JSON.stringify({ machine, events, bytes, measured }, null, 1));
} finally {
  rmSync(dir, { recursive: true });
}
