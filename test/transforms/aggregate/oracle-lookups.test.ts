import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { generate } from '../../support/generate.js';
import { folder } from '../../support/process.js';
import { root, shell } from '../../support/shell.js';

type Row = Record<string, string | number | boolean | null | undefined>;

const count = 50_000;
const failures = ['NXDOMAIN', 'SERVFAIL', 'TIMEOUT'];

async function duckdb(sql: string): Promise<Row[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows = (await connection.runAndReadAll(sql)).getRowObjectsJson() as Row[];
  connection.closeSync();
  instance.closeSync();
  return rows;
}

async function run(file: string, options: string): Promise<Row[]> {
  const { stdout, stderr, code } = await shell(`aggregate ${options} < ${file}`, root);
  assert.equal(`${stderr}${code}`, '0');
  return stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

/** Look-ups as the collector writes them. One in seven fails, and some of these because of a search list. */
function* lookups() {
  for (const line of generate({ count })) {
    const { ts, seq, pid, comm, daddr, latency_us } = JSON.parse(line);
    const error = seq % 7 === 0 ? failures[seq % 3] : undefined;
    const answer = error ? { ...(error !== 'TIMEOUT' && { rcode: error }), error } : { rcode: 'NOERROR' };
    const more = error ? (seq % 4 === 0 ? { search: true } : {}) : { addrs: [daddr], ttl: 30 };
    const name = `host-${Buffer.from(daddr).toString('hex').slice(-6)}.example.com`;
    const us = seq % 11 === 0 ? {} : { latency_us };
    yield JSON.stringify({ type: 'dns', v: 1, seq, ts, pid, comm, name, qtype: 'A', ...answer, ...more, ...us });
  }
}

for (const by of [['name', 'error'], ['comm', 'rcode'], []]) {
  test(`${count} look-ups by ${by.join() || 'nothing'}: DuckDB gives the same counts and measures`, async (t) => {
    const file = join(folder(t), 'events');
    writeFileSync(file, [...lookups()].map((line) => `${line}\n`).join(''));
    const got = await run(file, `--type dns ${by.length > 0 ? `--by ${by}` : ''}`);
    const quantiles = [0.5, 0.9, 0.99];
    const rows = await duckdb(`
      WITH events AS (SELECT * FROM read_json('${file}', format = 'newline_delimited', columns = {name: 'VARCHAR',
        comm: 'VARCHAR', error: 'VARCHAR', rcode: 'VARCHAR', search: 'BOOLEAN', latency_us: 'BIGINT'}))
      SELECT ${[...by, ''].join(', ')} count(*)::INTEGER AS count,
        (count(*) FILTER (error IS NOT NULL AND search IS NULL))::INTEGER AS failed,
        min(latency_us)::INTEGER AS least, max(latency_us)::INTEGER AS largest,
        list_transform([${quantiles}], q -> list_sort(list(latency_us) FILTER (latency_us IS NOT NULL))
          [1 + floor(q * (count(latency_us) - 1))::INTEGER])::VARCHAR AS exact
      FROM events ${by.length > 0 ? 'GROUP BY ALL' : ''}`);
    const key = (row: Row) => JSON.stringify(by.map((name) => row[name] ?? null));
    const wanted = new Map(rows.map((row) => [key(row), row]));
    assert.equal(got.length, wanted.size);
    for (const one of got) {
      const row = wanted.get(key(one)) as Row;
      assert.deepEqual(
        [one.events, one.count, one.failed, one.latency_min_us ?? null, one.latency_max_us ?? null],
        ['dns', row.count, row.failed, row.least, row.largest],
        key(one),
      );
      for (const [i, exact] of (JSON.parse(row.exact as string) as (number | null)[]).entries()) {
        const value = one[`latency_p${(quantiles[i] as number) * 100}_us`] as number | undefined;
        if (exact === null) assert.equal(value, undefined);
        else assert.ok(Math.abs((value as number) - exact) <= exact * 0.01 + 0.5, `${value} for ${exact}`);
      }
    }
  });
}

test(`${count} outcomes by dest: DuckDB gives the same counts`, async (t) => {
  const file = join(folder(t), 'events');
  const lines = [...generate({ count })].map((line) => {
    const event = JSON.parse(line);
    return event.seq % 3 === 0 ? JSON.stringify({ ...event, name: `n${event.seq % 10}.example.com` }) : line;
  });
  writeFileSync(file, lines.map((line) => `${line}\n`).join(''));
  const got = await run(file, '--by comm,dest --measure count,failed');
  const rows = await duckdb(`SELECT comm, coalesce(name, daddr) AS dest, count(*)::INTEGER AS count,
    (count(*) FILTER (result <> 'established'))::INTEGER AS failed FROM read_json('${file}', format = 'newline_delimited',
    columns = {comm: 'VARCHAR', name: 'VARCHAR', daddr: 'VARCHAR', result: 'VARCHAR'}) GROUP BY ALL`);
  const text = (all: Row[]) => all.map(({ comm, dest, count, failed }) => JSON.stringify([comm, dest, count, failed]));
  assert.ok(rows.length > 100);
  assert.deepEqual(text(got).sort(), text(rows).sort());
});
