import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DuckDBInstance } from '@duckdb/node-api';
import { parquetWriteBuffer } from 'hyparquet-writer';
import { type Kind, kindOf, kinds, widened } from '../../../sinks/file/parquet/kind.js';
import { writeParquet } from '../../../sinks/file/parquet.js';
import { generate } from '../../support/generate.js';
import { oddities } from '../../support/oddities.js';
import { folder } from '../../support/process.js';

const valid = Object.values(oddities).flatMap(([line, isValid]) => (isValid ? [`${line}`] : []));
const instant = (text: string) => BigInt(Date.parse(`${text.slice(0, 19)}Z`)) * 1_000n + BigInt(text.slice(20, 26));

/** Converts lines with JSON.parse, one object per row, and the library's own column writer. */
function reference(lines: readonly string[]): Buffer {
  const wellFormed = (_: string, one: unknown) => (typeof one === 'string' ? Buffer.from(one).toString() : one);
  const rows = lines.map((line) => JSON.parse(line, wellFormed) as Record<string, unknown>);
  const columns = new Map<string, Kind>();
  for (const [name, one] of rows.flatMap((row) => Object.entries(row)))
    if (one !== null) columns.set(name, widened(columns.get(name), kindOf(name, one)));
  const value = (one: unknown, kind: Kind) => {
    if (one === undefined || one === null) return undefined;
    if (kind === 'integer') return BigInt(one as number);
    return kind === 'instant' ? instant(one as string) : one;
  };
  const schema = [...columns].map(([name, kind]) => ({ name, ...kinds[kind], repetition_type: 'OPTIONAL' as const }));
  const root = { name: 'root', num_children: columns.size };
  const columnData = [...columns].map(([name, kind]) => ({
    name,
    data: rows.map((row) => value(Object.hasOwn(row, name) ? row[name] : undefined, kind)),
  }));
  return Buffer.from(parquetWriteBuffer({ schema: [root, ...schema], columnData }));
}

/** Asserts that DuckDB reads the same columns and the same rows, in the same order. */
async function assertSame(t: TestContext, lines: readonly string[], text = `${lines.join('\n')}\n`): Promise<void> {
  const dir = folder(t);
  const path = (name: string) => join(dir, name);
  writeFileSync(path('in.ndjson'), text);
  writeFileSync(path('expected.parquet'), reference(lines));
  const file = openSync(path('actual.parquet'), 'w');
  writeParquet(path('in.ndjson'), file);
  closeSync(file);
  const duckdb = await (await DuckDBInstance.create()).connect();
  const read = async (sql: string) => (await duckdb.runAndReadAll(sql)).getRowsJson();
  const rows = (name: string) => `from read_parquet('${path(name)}.parquet', file_row_number = true)`;
  assert.deepEqual(await read(`describe ${rows('actual')}`), await read(`describe ${rows('expected')}`));
  assert.deepEqual(await read(`select count(*) ${rows('actual')}`), [[String(lines.length)]]);
  assert.deepEqual(await read(`(${rows('actual')}) except (${rows('expected')})`), []);
  // a filter reads the minima and maxima
  for (const where of ["comm = 'java'", "ts > '2026-11-23 08:00:30'", 'dport = 443']) {
    const count = (name: string) => read(`select count(*) ${rows(name)} where ${where}`);
    assert.deepEqual(await count('actual'), await count('expected'), where);
  }
}

test('Parquet has the same content as lines converted one by one: many events, several row groups', (t) =>
  assertSame(t, [
    ...generate({ count: 21_000, addresses: 10_000, start: true }),
    ...generate({ count: 4_000, seed: 2, type: 'connect' }),
  ]));

test('Parquet has the same content as lines converted one by one: unusual lines', async (t) => {
  const odd = [
    { type: 'odd', ts: '2026-11-23T08:15:30.000007Z', list: ['a', null], big: 1.5, no: null, mixed: 'x', flag: true },
    { type: 'odd', ts: '1969-12-31T23:59:59.999999Z', mixed: 1, big: 2 ** 60, flag: false, constructor: 1 },
    {
      type: 'odd',
      ts: '9999-12-31T23:59:59.999999Z',
      mixed: '\ud83d "\\',
      text: 'ü\u2028\ud83d\ude00',
      late: [{ a: 1 }],
    },
    { type: 'odd', ts: '2026-02-30T00:00:00.000000Z', mixed: [1], list: {}, text: '' },
    { type: 'odd', exe: 'x'.repeat(3_000_000), mixed: null },
    { type: 'closed', comm: 'java' },
  ].map((one) => JSON.stringify(one));
  const numbers = ['-0', '1e999', '-1e999', '1E2', '0.1', '12345678901234567890'];
  const lines = [
    ...valid,
    ...odd,
    ...numbers.map((number) => `{"type":"odd","big":${number},"many":[${number}],"mixed":${number}}`),
    ' { "type" : "odd" , "list" : [ 1 , "\\u0041" ] } ',
    ...generate({ count: 100 }),
    '{"type":"odd","ts":"2026-11-23T08:15:30.000007Z","__proto__":1}',
  ];
  await assertSame(t, lines);
  await assertSame(t, lines, lines.join('\r\n\n'));
  await assertSame(t, ['{"type":"odd","comm":"java","dport":1,"ts":"yesterday"}', ...lines]);
});
