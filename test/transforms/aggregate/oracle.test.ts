import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { parseTime, timeText } from '../../../transforms/aggregate/time.js';
import { generate, generateFile } from '../../support/generate.js';
import { folder } from '../../support/process.js';
import { root, shell } from '../../support/shell.js';

type Row = Record<string, string | number | null | undefined>;

const results = ['established', 'refused', 'timeout', 'unreachable', 'reset', 'denied', 'aborted', 'error'];
const measured = 'count,failed,result,latency,rate,first,last,distinct:sport,distinct:daddr';
const quantiles = [0.5, 0.9, 0.99];
/** How many events are generated. SYNPIPE_ORACLE_EVENTS=2000000 takes some minutes. */
const events = Number(process.env.SYNPIPE_ORACLE_EVENTS ?? 100_000);
/** Of a distinct count, as documented in transforms/README. */
const standardError = 0.016;

interface Asked {
  type: 'connect' | 'outcome';
  by: readonly string[];
  /** µs; 0 means one window. */
  every: number;
}

/** The same in SQL over the same file, with exact quantiles and distinct counts. */
async function duckdb(file: string, { type, by, every }: Asked): Promise<Row[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const us = `epoch_us(ts::TIMESTAMP)`;
  const window = every > 0 ? `(${us} // ${every}) * ${every}` : '0';
  const failed = type === 'outcome' ? `result <> 'established'` : 'errno IS NOT NULL';
  const sql = `
    WITH events AS (SELECT *, ${window} AS start FROM read_json('${file}', format = 'newline_delimited',
      columns = {type: 'VARCHAR', ts: 'VARCHAR', comm: 'VARCHAR', saddr: 'VARCHAR', daddr: 'VARCHAR', sport: 'INTEGER',
        dport: 'INTEGER', uid: 'INTEGER', errno: 'INTEGER', result: 'VARCHAR', latency_us: 'BIGINT'})
      WHERE type = '${type}')
    SELECT start, ${by.join(', ')}, count(*)::INTEGER AS count, count(*)::INTEGER AS ${type}s,
      (count(*) FILTER (${failed}))::INTEGER AS ${type === 'outcome' ? 'failed' : 'errors'}, round(avg((${failed})::INTEGER), 6) AS failed_ratio,
      ${results.map((name) => `(count(*) FILTER (result = '${name}'))::INTEGER AS result_${name}`).join(', ')},
      min(latency_us) AS latency_min_us, round(avg(latency_us)) AS latency_mean_us, max(latency_us) AS latency_max_us,
      list_transform([${quantiles}], q -> list_sort(list(latency_us))[1 + floor(q * (count(*) - 1))::INTEGER])::VARCHAR AS exact,
      min(ts) AS first, max(ts) AS last,
      round(count(*) * 1e6 / ${every || '(SELECT max(epoch_us(ts::TIMESTAMP)) - min(epoch_us(ts::TIMESTAMP)) FROM events)'}, 3) AS rate,
      count(DISTINCT sport)::INTEGER AS distinct_sport, count(DISTINCT daddr)::INTEGER AS distinct_daddr
    FROM events GROUP BY ALL`;
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson() as Row[];
  connection.closeSync();
  instance.closeSync();
  return rows;
}

const same = ['count', 'rate', 'latency_min_us', 'latency_max_us'];
const failures = { connect: ['errors'], outcome: ['failed', 'failed_ratio'] };

function compare(summaries: Row[], rows: Row[], { type, by, every }: Asked): void {
  const key = (row: Row, start: number) => JSON.stringify([start, ...by.map((name) => row[name] ?? null)]);
  const wanted = new Map(rows.map((row) => [key(row, Number(row.start)), row]));
  const errors: number[] = [];
  assert.equal(summaries.length, wanted.size);
  for (const got of summaries) {
    const start = every > 0 ? Date.parse(got.ts as string) * 1000 : 0;
    const row = wanted.get(key(got, start));
    assert.ok(row, key(got, start));
    for (const name of [...same, ...failures[type], `${type}s`, ...results.map((one) => `result_${one}`)])
      assert.equal(got[name] ?? 0, Number(row[name]), `${name} of ${key(got, start)}`);
    assert.deepEqual([got.first, got.last], [row.first, row.last]);
    if (type === 'outcome') {
      assert.ok(Math.abs((got.latency_mean_us as number) - Number(row.latency_mean_us)) <= 1, 'mean'); // halves
      for (const [i, exact] of (JSON.parse(row.exact as string) as number[]).entries()) {
        const value = got[`latency_p${(quantiles[i] as number) * 100}_us`] as number;
        assert.ok(Math.abs(value - exact) <= exact * 0.01 + 0.5, `p${quantiles[i]}: ${value} for ${exact}`);
      }
    }
    for (const name of ['distinct_sport', 'distinct_daddr']) {
      const exact = Number(row[name]);
      const error = Math.abs((got[name] as number) - exact);
      assert.ok(error <= Math.max(3, exact * standardError * 5), `${name}: ${got[name]} for ${exact}`);
      if (exact >= 100) errors.push(error / exact);
    }
  }
  const usual = Math.sqrt(errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length);
  if (errors.length > 100) assert.ok(usual <= standardError, `standard error of ${errors.length} counts: ${usual}`);
}

const run = async (file: string, ...options: string[]): Promise<Row[]> => {
  const { stdout, stderr, code } = await shell(`aggregate ${options.join(' ')} < ${file}`, root);
  assert.equal(`${stderr}${code}`, '0');
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
};

for (const asked of [
  { type: 'outcome', by: ['comm', 'daddr', 'dport'], every: 0 },
  { type: 'outcome', by: ['comm'], every: 10e6 },
  { type: 'outcome', by: ['uid', 'daddr'], every: 7e6 },
  { type: 'connect', by: ['comm', 'dport'], every: 0 },
] as const) {
  const { type, by, every } = asked;
  const windows = every ? [`--every ${every / 1e6}s`] : [];
  test(`${events} ${type}s by ${by} ${windows}: DuckDB gives the same counts and measures`, async (t) => {
    const file = join(folder(t), 'events');
    generateFile(file, { count: events, type });
    const got = await run(file, `--by ${by} --measure ${measured}`, ...windows);
    compare(got, await duckdb(file, asked), asked);
  });
}

test('recorded events: DuckDB and jq give the same counts and measures', async (t) => {
  const recorded = join(root, 'test/support/recorded.ndjson');
  const file = join(folder(t), 'outcomes');
  const outcomes = readFileSync(recorded, 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('{"type":"outcome"'));
  assert.ok(outcomes.length > 100);
  writeFileSync(file, outcomes.map((line) => `${line}\n`).join(''));
  const by = ['comm', 'saddr', 'daddr', 'dport'];
  const got = await run(file, `--by ${by} --measure ${measured}`);
  const asked = { type: 'outcome', by, every: 0 } as const;
  compare(got, await duckdb(file, asked), asked);

  const jq = await shell(
    `jq -sc 'group_by([.comm, .saddr, .daddr, .dport])[] | {comm: .[0].comm, saddr: .[0].saddr, daddr: .[0].daddr,
      dport: .[0].dport, count: length, failed: map(select(.result != "established")) | length,
      refused: map(select(.result == "refused")) | length, min: map(.latency_us) | min, max: map(.latency_us) | max,
      mean: (map(.latency_us) | add / length + 0.5 | floor), first: map(.ts) | min, last: map(.ts) | max}' ${file}`,
    root,
  );
  const sorted = (rows: Row[]) => rows.map((row) => JSON.stringify(row)).sort();
  const mine = got.map(({ comm, saddr = null, daddr, dport, count, failed, result_refused = 0, ...row }) => ({
    comm,
    saddr,
    daddr,
    dport,
    count,
    failed,
    refused: result_refused,
    min: row.latency_min_us,
    max: row.latency_max_us,
    mean: row.latency_mean_us,
    first: row.first,
    last: row.last,
  }));
  const theirs = jq.stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
  assert.deepEqual(sorted(mine as Row[]), sorted(theirs));
});

/** Outcomes, some with earlier pending events, some of which never get their outcome, in the order of time. */
function generateWaiting(file: string): void {
  const begin = Date.UTC(2026, 10, 23, 7, 59) * 1000;
  const lines = [...generate({ count: events / 5 })].flatMap((line, i) => {
    if (i % 20 !== 0) return [line];
    const { result, errno, error, latency_us, ...attempt } = JSON.parse(line);
    const ts = timeText(Math.max(begin, parseTime(Buffer.from(attempt.ts), 0) - 1000 * ((i * 7919) % 50_000)));
    const waits = JSON.stringify({
      ...attempt,
      type: 'pending',
      ts,
      start: timeText(begin),
      result: 'pending',
      waited_us: 1,
    });
    return i % 100 === 0 ? [waits] : [waits, line];
  });
  const times = new Map(lines.map((line) => [line, JSON.parse(line).ts as string]));
  lines.sort((a, b) => ((times.get(a) as string) < (times.get(b) as string) ? -1 : 1));
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
}

for (const every of [0, 10e6]) {
  test(`attempts that wait, ${every ? 'at the end of windows' : 'at the end of input'}: as DuckDB and jq count`, async (t) => {
    const file = join(folder(t), 'events');
    generateWaiting(file);
    const windows = every ? [`--every ${every / 1e6}s`] : [];
    const got = await run(file, '--by comm,dport --measure count', ...windows);
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    const sql = `
      WITH events AS (SELECT *, epoch_us(ts::TIMESTAMP) AS us FROM read_json('${file}', format = 'newline_delimited',
        columns = {type: 'VARCHAR', ts: 'VARCHAR', id: 'VARCHAR', comm: 'VARCHAR', dport: 'INTEGER'})),
      waits AS (SELECT p.comm, p.dport, p.us AS since, o.us AS until
        FROM events p LEFT JOIN events o ON o.id = p.id AND o.type = 'outcome' WHERE p.type = 'pending'),
      ends AS (${
        every
          ? `SELECT unnest(range(min(us) // ${every}, max(us) // ${every} + 1)) * ${every} + ${every} AS moment FROM events`
          : 'SELECT max(us) + 1 AS moment FROM events'
      })
      SELECT moment, comm, dport, count(*)::INTEGER AS pending FROM ends JOIN waits
        ON since < moment AND (until IS NULL OR until >= moment) GROUP BY ALL`;
    const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson() as Row[];
    connection.closeSync();
    instance.closeSync();
    const wanted = rows.map((row) => `${row.moment} ${row.comm} ${row.dport} ${row.pending}`).sort();
    const shown = got.flatMap(({ end, comm, dport, pending }) =>
      pending === undefined ? [] : [`${parseTime(Buffer.from(end as string), 0)} ${comm} ${dport} ${pending}`],
    );
    assert.ok(wanted.length > 5);
    assert.deepEqual(shown.sort(), wanted);
    if (every) return;
    const jq = await shell(
      `jq -sc 'group_by(.id) | map(select(all(.type != "outcome"))) | length' ${file}; jq -c 'select(.type == "outcome") | 1' ${file} | wc -l`,
      root,
    );
    const sum = (name: string) => got.reduce((total, row) => total + Number(row[name] ?? 0), 0);
    assert.deepEqual(jq.stdout.trim().split('\n').map(Number), [sum('pending'), sum('count')]);
  });
}
