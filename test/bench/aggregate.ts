/**
 * Measures aggregate by (comm, daddr, dport) on a file against DuckDB and split2 + ajv: one run, alternating, medians of
 * the rounds. All must find the same number of groups. DuckDB uses two threads on two cores, so each program is also run
 * on one core. Also measures aggregate's memory, with 1.1 million groups and over a day of events.
 *
 *     node --import tsx test/bench/aggregate.ts [EVENTS [ROUNDS]]
 *
 * The data is made once, into /tmp/synpipe-bench. The table and the raw numbers go to test/bench/runs/.
 */
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Choice, generateFile } from '../support/generate.js';
import { cache } from './pipe/data.js';
import { median, type Run, throughput } from './pipe/measure.js';
import { bin } from './pipe/tools.js';

const [events = 2_000_000, rounds = 3] = process.argv.slice(2).map(Number);
const here = fileURLToPath(new URL('aggregate/', import.meta.url));
const load = loadavg()[0] as number;
const faults: string[] = [];

function data(name: string, choice: Choice): string {
  const path = `${cache}/aggregate-${name}-${choice.count}.ndjson`;
  if (!existsSync(path)) {
    generateFile(`${path}.tmp`, choice);
    renameSync(`${path}.tmp`, path);
  }
  return path;
}

const few = data('few', { count: events });
const some = data('few', { count: events / 4 });
const many = data('many', { count: events, addresses: events / 24 });
const day = data('day', { count: events, seconds: 86_400 });
const quarter = data('quarter', { count: events / 4, seconds: 21_600 });

const ours = (...options: string[]) => [`${bin}aggregate`, '--by', 'comm,daddr,dport', ...options];
const count = ours('--measure', 'count', '--max-groups', '4000000');
const duckdb = (file: string, what: string) => [process.execPath, `${here}duckdb.cjs`, file, what];
const oneCore = ['taskset', '-c', '0'];

interface Turn {
  what: string;
  input: string;
  command: string[];
  /** For slow programs: they get one in this many of the events. */
  part?: number;
}
const cases: Record<string, Turn[]> = {
  'few groups, count': [
    { what: 'aggregate', input: few, command: count },
    { what: 'DuckDB', input: few, command: duckdb(few, 'count') },
    { what: 'aggregate, one core', input: few, command: [...oneCore, ...count] },
    { what: 'DuckDB, one core', input: few, command: [...oneCore, ...duckdb(few, 'count')] },
    { what: 'split2 + ajv', input: some, command: [process.execPath, `${here}split2.mjs`, some], part: 4 },
  ],
  'few groups, failed and latency': [
    { what: 'aggregate', input: few, command: ours('--measure', 'count,failed,latency') },
    { what: 'DuckDB', input: few, command: duckdb(few, 'latency') },
  ],
  'many groups, count': [
    { what: 'aggregate', input: many, command: count },
    { what: 'DuckDB', input: many, command: duckdb(many, 'count') },
    { what: 'aggregate, one core', input: many, command: [...oneCore, ...count] },
    { what: 'DuckDB, one core', input: many, command: [...oneCore, ...duckdb(many, 'count')] },
  ],
  'a day in windows of 10 s, all measures': [
    { what: 'six hours', input: quarter, command: ours('--every', '10s'), part: 4 },
    { what: 'a day', input: day, command: ours('--every', '10s') },
  ],
};

const rows = Object.entries(cases).flatMap(([name, turns]) => {
  const runs = turns.map((): Run[] => []);
  for (let round = 0; round < rounds; round++)
    for (const [at, { input, command }] of turns.entries()) runs[at]?.push(throughput('file', input, command, faults));
  const groups = new Set(runs.flatMap((all) => all.map(({ lines }) => lines)));
  if (groups.size > 1 && !name.startsWith('a day')) faults.push(`${name}: ${[...groups]} groups`);
  return turns.map(({ what, part = 1 }, at) => ({ name, what, events: events / part, runs: runs[at] as Run[] }));
});

function report(): string {
  const machine = `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}`;
  const parts = [
    `${machine}, ${new Date().toISOString().slice(0, 10)}, load ${load.toFixed(2)} before. ${events} events of ${Math.round(statSync(few).size / events)} bytes; medians of ${rounds} rounds that alternate.`,
  ];
  for (const name of Object.keys(cases)) {
    const group = rows.filter((row) => row.name === name);
    const rate = ({ events, runs }: (typeof rows)[0]) => events / median(runs.map(({ seconds }) => seconds)) / 1000;
    const first = group[0] as (typeof rows)[0];
    parts.push(
      `\n### ${name}: ${first.runs[0]?.lines} lines\n\n| | k events/s | × | CPU, µs per event | peak RSS, MiB |\n|---|---|---|---|---|`,
      ...group.map((row) => {
        const cpu = (median(row.runs.map(({ cpu }) => cpu)) / row.events) * 1e6;
        const rss = median(row.runs.map(({ rss }) => rss)) / 1024;
        return `| ${row.what} | ${rate(row).toFixed(0)} | ${(rate(row) / rate(first)).toFixed(2)} | ${cpu.toFixed(2)} | ${rss.toFixed(0)} |`;
      }),
    );
  }
  return `${parts.join('\n')}\n`;
}

const text = report();
process.stdout.write(text);
if (faults.length > 0) throw new Error(`wrong answers:\n${[...new Set(faults)].join('\n')}`);
const path = fileURLToPath(new URL(`runs/aggregate-${release()}`, import.meta.url));
writeFileSync(`${path}.md`, text);
writeFileSync(`${path}.json`, `${JSON.stringify({ load, rounds, rows }, null, 1)}\n`);
