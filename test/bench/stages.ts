/**
 * Measures stages beside `filter`, which only checks and passes the lines, and beside another build of them. The programs take
 * turns; medians of the rounds.
 *
 *     [BEFORE=DIR] node --import tsx test/bench/stages.ts [EVENTS [ROUNDS [CASE]]]
 *
 * DIR is the folder of the other build (the one with dist), CASE a regular expression. sink-http sends to a server that reads
 * and answers, and runs on the same CPUs. The data is made once, into /tmp/synpipe-bench. The table and the raw numbers go to
 * test/bench/runs/, beside those of the cases that are not run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Choice, generateFile } from '../support/generate.js';
import { cache } from './pipe/data.js';
import { median, type Run, throughput } from './pipe/measure.js';

const [events = 2_000_000, rounds = 5] = process.argv.slice(2, 4).map(Number);
const chosen = new RegExp(process.argv[4] ?? '');
const here = fileURLToPath(new URL('../../', import.meta.url));
const load = loadavg()[0] as number;
const faults: string[] = [];

function data(name: string, choice: Omit<Choice, 'count'>): string {
  const path = `${cache}/aggregate-${name}-${events}.ndjson`;
  if (!existsSync(path)) {
    generateFile(`${path}.tmp`, { count: events, ...choice });
    renameSync(`${path}.tmp`, path);
  }
  return path;
}
const few = data('few', {});
const many = data('many', { addresses: events / 24 });
const started = data('started', { start: true });

const receiver = spawn(process.execPath, [
  '-e',
  `require('node:http').createServer((request, response) => {
    request.on('data', () => {}).on('end', () => response.end('{"errors":false,"code":0}'));
  }).listen(0, '127.0.0.1', function () { console.log(this.address().port); })`,
]);
process.on('exit', () => receiver.kill());
const [port] = await once(receiver.stdout, 'data');
const url = `http://127.0.0.1:${String(port).trim()}/`;

const cases: Record<string, [input: string, ...command: string[]]> = {
  'filter, all pass': [few, 'filter'],
  'dedupe, 960 addresses and ports': [few, 'dedupe'],
  'dedupe, 1.1 million, all remembered': [many, 'dedupe', '--max-keys', '10000000'],
  'dedupe, 1.1 million, 100,000 remembered': [many, 'dedupe'],
  'dedupe, 1.1 million, 1,000 remembered': [many, 'dedupe', '--max-keys', '1000'],
  'sink-table': [started, 'sink-table'],
  ...Object.fromEntries(
    ['ndjson', 'elasticsearch', 'loki', 'splunk-hec', 'otlp'].map((preset) => [
      `sink-http --preset ${preset}`,
      [started, 'sink-http', '--preset', preset, url],
    ]),
  ),
};

interface Row {
  name: string;
  how: 'file' | 'pipe';
  events: number;
  date: string;
  /** The load average at the start. */
  load: number;
  now: Run[];
  before: Run[];
}
const measured = Object.entries(cases)
  .filter(([name]) => chosen.test(name))
  .flatMap(([name, [input, command, ...args]]) =>
    (['file', 'pipe'] as const).map((how): Row => {
      const row: Row = { name, how, events, date: new Date().toISOString().slice(0, 10), load, now: [], before: [] };
      const run = (build: string) => throughput(how, input, [`${build}/dist/bin/${command}`, ...args], faults);
      for (let round = 0; round < rounds; round++) {
        row.now.push(run(here));
        if (process.env.BEFORE) row.before.push(run(process.env.BEFORE));
      }
      return row;
    }),
  );
if (faults.length > 0) throw new Error(`failed:\n${faults.join('\n')}`);

const path = fileURLToPath(new URL(`runs/stages-${release()}`, import.meta.url));
const kept: Row[] = existsSync(`${path}.json`) ? JSON.parse(readFileSync(`${path}.json`, 'utf8')) : [];
const isNew = ({ name, how }: Row) => measured.some((row) => row.name === name && row.how === how);
const rows = [...kept.filter((row) => !isNew(row)), ...measured];

const of = (runs: Run[], key: 'seconds' | 'cpu' | 'rss') => median(runs.map((run) => run[key]));
function times({ now, before }: Row, key: 'seconds' | 'cpu'): string {
  const ratios = before.map((run, round) => run[key] / (now[round] as Run)[key]);
  return ratios.length > 0 ? ` (×${median(ratios).toFixed(2)})` : '';
}
const cells = (row: Row) => [
  `${row.name}, from a ${row.how}`,
  Math.round(row.events / of(row.now, 'seconds') / 1000) + times(row, 'seconds'),
  ((of(row.now, 'cpu') / row.events) * 1e6).toFixed(2) + times(row, 'cpu'),
  Math.round(of(row.now, 'rss') / 1024),
  `${row.date}, ${row.now.length} rounds, load ${row.load.toFixed(2)} before`,
];
const text = `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}. Medians of rounds in which the builds take turns; in
brackets, how many times as fast as the other build, by its median in the same rounds.

| | k events/s | CPU, µs per event | peak RSS, MiB | |
|---|---|---|---|---|
${rows.map((row) => `| ${cells(row).join(' | ')} |`).join('\n')}
`;
process.stdout.write(text);
writeFileSync(`${path}.md`, text);
writeFileSync(`${path}.json`, `${JSON.stringify(rows)}\n`);
receiver.kill();
