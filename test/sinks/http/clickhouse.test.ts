/**
 * Tests the ClickHouse recipes with ClickHouse's engine instead of its server: chDB, a package of half a gigabyte, so
 * only with SYNPIPE_DOWNLOAD=1.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { folder } from '../../live/folder.js';
import { blocks } from '../../support/documents.js';
import { type Behaviour, Receiver } from '../../support/receiver.js';
import { root, shell } from '../../support/shell.js';

const skip = process.env.SYNPIPE_DOWNLOAD === '1' ? false : 'SYNPIPE_DOWNLOAD is not 1';
const version = '3.4.0';

interface Engine {
  query(sql: string, format?: string): string;
  Session: new () => { query(sql: string, format?: string): string };
}
let engine: Engine;
before(() => {
  if (skip) return;
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error', '--prefix', folder()];
  execFileSync('npm', ['install', ...options, `chdb@${version}`], { cwd: folder() });
  engine = createRequire(join(folder(), 'node_modules/'))('chdb');
});

const sample = `${root}dist/collector/replay/sample.ndjson`;
const events = readFileSync(sample, 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line));
const recipe = (holds: string) => blocks('transforms/RECIPES.md').find(({ text }) => text.includes(holds))?.text ?? '';

test('a file of events can be read as it is', { skip }, () => {
  const [, query = ''] = /^clickhouse local --query "(.*)"$/m.exec(recipe('clickhouse local')) ?? [];
  const rows = engine.query(query.replace('events.ndjson', sample), 'TSV').trim().split('\n');
  const counts = new Map<string, number>();
  for (const { type, comm } of events) if (type === 'outcome') counts.set(comm, (counts.get(comm) ?? 0) + 1);
  assert.deepEqual(rows.sort(), [...counts].map((row) => row.join('\t')).sort());
});

test("what sink-http sends fits the recipe's table", { skip }, async (t) => {
  const session = new engine.Session();
  session.query(recipe('create table connects'));
  const insert: Behaviour = ({ url, body }, response) => {
    const { query = '', wait_end_of_query: _, ...settings } = Object.fromEntries(url.searchParams); // _: HTTP's own
    const set = Object.entries(settings).map(([name, value]) => `${name} = '${value}'`);
    session.query(`${query.replace(' FORMAT', ` SETTINGS ${set.join(', ')} FORMAT`)}\n${body}`);
    response.end();
  };
  const receiver = await Receiver.start(t, (got, response, nth) => {
    try {
      insert(got, response, nth);
    } catch (error) {
      response.writeHead(400).end(String(error));
    }
  });
  const said = await shell(`sink-http --preset clickhouse --into connects ${receiver.url} < ${sample}`, folder());
  assert.deepEqual(said, { stdout: '', stderr: '', code: 0 });
  const rows = session.query('select type, result, latency_us, toString(id) from connects order by ts', 'TSV').trim();
  const wanted = events.map(({ type, result = '', latency_us = 0, id = 0 }) =>
    [type, result, latency_us, id].join('\t'),
  );
  assert.deepEqual(rows.split('\n').sort(), wanted.sort());
});
