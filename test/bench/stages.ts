/**
 * Measures stages beside `filter`, which only checks and passes the lines, beside another build of them, and some beside other
 * programs that do the same. The programs take turns; medians of the rounds.
 *
 *     [BEFORE=DIR] node --import tsx test/bench/stages.ts [EVENTS [ROUNDS [CASE]]]
 *
 * DIR is the folder of the other build (the one with dist), CASE a regular expression. NODE=PATH runs the stages with another
 * Node. sink-http sends to a server that reads
 * and answers, and runs on the same CPUs. The data is made once, into /tmp/synpipe-bench. The table and the raw numbers go to
 * test/bench/runs/, beside those of the cases that are not run.
 */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type Choice, generateFile } from '../support/generate.js';
import { cache } from './pipe/data.js';
import { median, type Run, throughput } from './pipe/measure.js';

const [events = 2_000_000, rounds = 5] = process.argv.slice(2, 4).map(Number);
const chosen = new RegExp(process.argv[4] ?? '');
/** How another Node runs the stages. */
const own = process.env.NODE ? [process.env.NODE] : [];
const node = process.env.NODE && execFileSync(process.env.NODE, ['--version'], { encoding: 'utf8' }).trim();
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
/** The same events, as another stage converts them. */
const converted = (stage: string) => () => {
  const path = `${cache}/${stage}-${events}.ndjson`;
  if (!existsSync(path)) {
    execFileSync('sh', ['-c', '"$0" <"$1" >"$2.tmp"', `${here}dist/bin/${stage}`, started, path]);
    renameSync(`${path}.tmp`, path);
  }
  return path;
};

const [ecs, otel] = [converted('to-ecs'), converted('to-otel')];

const receiver = spawn(process.execPath, [
  '-e',
  `require('node:http').createServer((request, response) => {
    request.on('data', () => {}).on('end', () => response.end('{"errors":false,"code":0}'));
  }).listen(0, '127.0.0.1', function () { console.log(this.address().port); })`,
]);
process.on('exit', () => receiver.kill());
const [port] = await once(receiver.stdout, 'data');
const url = `http://127.0.0.1:${String(port).trim()}/`;

const out = `${cache}/stages-out`;
const [parquet, compress] = ['sink-file --format parquet', 'sink-file --compress zstd'] as const;
const apply = 'apply -e \'event => ({ ...event, team: "web" })\'';
const presets = ['elasticsearch', 'loki', 'splunk-hec', 'otlp'];
const cases: Record<string, [input: string | (() => string), ...command: string[]]> = {
  'filter, all pass': [few, 'filter'],
  'dedupe, 960 addresses and ports': [few, 'dedupe'],
  'dedupe, 1.1 million, all remembered': [many, 'dedupe', '--max-keys', '10000000'],
  'dedupe, 1.1 million, 100,000 remembered': [many, 'dedupe'],
  'dedupe, 1.1 million, 1,000 remembered': [many, 'dedupe', '--max-keys', '1000'],
  'sink-table': [started, 'sink-table'],
  [parquet]: [few, 'sink-file', '--format', 'parquet', `${out}/own.parquet`],
  [compress]: [few, 'sink-file', '--compress', 'zstd', `${out}/own.ndjson`],
  [apply]: [few, 'apply', '-e', "event => ({ ...event, team: 'web' })"],
  'sink-http --preset ndjson': [started, 'sink-http', url],
  ...Object.fromEntries(
    presets.map((preset) => [`sink-http --preset ${preset}`, [started, 'sink-http', '--preset', preset, url]]),
  ),
  'sink-http --preset elasticsearch, lines of to-ecs': [ecs, 'sink-http', '--preset', 'elasticsearch', url],
  'sink-http --preset otlp, lines of to-otel': [otel, 'sink-http', '--preset', 'otlp', url],
  'sink-file, lines of to-ecs': [ecs, 'sink-file', `${out}/own.ndjson`],
  'sink-file, lines of to-otel': [otel, 'sink-file', `${out}/own.ndjson`],
};

/** Programs that do the same as a case, or less. They read a file. */
const sql = `copy (from read_json('/dev/stdin', format = 'newline_delimited')) to '${out}/duckdb.parquet' (format parquet)`;
const peers: Record<string, Record<string, string[]>> = {
  [parquet]: { DuckDB: [process.execPath, `${here}test/support/duckdb.cjs`, '-c', sql] },
  [compress]: { 'zstd -3': ['zstd', '-3', '-q', '-f', '-o', `${out}/peer.zst`] },
  ...Object.fromEntries(
    Object.keys(cases)
      .filter((name) => presets.some((preset) => name.startsWith(`sink-http --preset ${preset}`)))
      .map((name) => [name, { NDJSON: [`${here}dist/bin/sink-http`, url] }]),
  ),
  [apply]: {
    'readline loop': [process.execPath, `${here}test/bench/stages/loop.mjs`],
    'split2 loop': [process.execPath, `${here}test/bench/stages/split2.mjs`],
  },
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
  peers?: Record<string, Run[]>;
  node?: string;
}
const measured = Object.entries(cases)
  .filter(([name]) => chosen.test(name))
  .flatMap(([name, [input, command, ...args]]) =>
    (peers[name] ? (['file'] as const) : (['file', 'pipe'] as const)).map((how): Row => {
      const row: Row = { name, how, events, date: new Date().toISOString().slice(0, 10), load, now: [], before: [] };
      if (node) row.node = node;
      const measure = (words: string[]) => {
        rmSync(out, { recursive: true, force: true });
        mkdirSync(out);
        return throughput(how, typeof input === 'string' ? input : input(), words, faults);
      };
      const run = (build: string) => measure([...own, `${build}/dist/bin/${command}`, ...args]);
      row.peers = Object.fromEntries(Object.keys(peers[name] ?? {}).map((peer) => [peer, []]));
      for (let round = 0; round < rounds; round++) {
        row.now.push(run(here));
        if (process.env.BEFORE) row.before.push(run(process.env.BEFORE));
        for (const [peer, words] of Object.entries(peers[name] ?? {})) row.peers[peer]?.push(measure(words));
      }
      return row;
    }),
  );
if (faults.length > 0) throw new Error(`failed:\n${faults.join('\n')}`);

const path = fileURLToPath(new URL(`runs/stages-${release()}`, import.meta.url));
const kept: Row[] = existsSync(`${path}.json`) ? JSON.parse(readFileSync(`${path}.json`, 'utf8')) : [];
const isNew = ({ name, how, node }: Row) =>
  measured.some((row) => row.name === name && row.how === how && row.node === node);
const rows = [...kept.filter((row) => !isNew(row)), ...measured];

const of = (runs: Run[], key: 'seconds' | 'cpu' | 'rss') => median(runs.map((run) => run[key]));
function times({ now, before, peers = {} }: Row, key: 'seconds' | 'cpu'): string {
  const others = [['', before] as const, ...Object.entries(peers).map(([name, runs]) => [` ${name}`, runs] as const)];
  const ratios = others.flatMap(([name, runs]) => {
    if (runs.length === 0) return [];
    return [`×${median(runs.map((run, round) => run[key] / (now[round] as Run)[key])).toFixed(2)}${name}`];
  });
  return ratios.length > 0 ? ` (${ratios.join(', ')})` : '';
}
const cells = (row: Row) => [
  `${row.name}, from a ${row.how}${row.node ? `, Node ${row.node}` : ''}`,
  Math.round(row.events / of(row.now, 'seconds') / 1000) + times(row, 'seconds'),
  ((of(row.now, 'cpu') / row.events) * 1e6).toFixed(2) + times(row, 'cpu'),
  Math.round(of(row.now, 'rss') / 1024),
  `${row.date}, ${row.now.length} rounds, load ${row.load.toFixed(2)} before`,
];
const text = `Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}. Medians of rounds in which the builds take turns; in
brackets, how many times as fast as the other build, or as another program, by the median of the same rounds.

| | k events/s | CPU, µs per event | peak RSS, MiB | |
|---|---|---|---|---|
${rows.map((row) => `| ${cells(row).join(' | ')} |`).join('\n')}
`;
process.stdout.write(text);
writeFileSync(`${path}.md`, text);
writeFileSync(`${path}.json`, `${JSON.stringify(rows)}\n`);
receiver.kill();
