import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, ndjson } from '../../support/events.js';
import { freePort } from '../../support/port.js';
import { folder, start } from '../../support/process.js';
import { shell } from '../../support/shell.js';

/** Debian's version is from 2018: it does not know the deduplication token, but reads the same format. */
const found = spawnSync('sh', ['-c', 'command -v clickhouse-server']).status === 0;
const skip = found ? false : 'clickhouse-server is not installed';

/** Starts a server. Returns a function that queries it. */
async function server(t: TestContext): Promise<{ url: string; ask: (query: string) => Promise<string> }> {
  const dir = folder(t);
  for (const name of ['data', 'tmp']) mkdirSync(join(dir, name));
  const port = await freePort();
  writeFileSync(
    join(dir, 'config.xml'),
    `<yandex><logger><level>warning</level><console>1</console></logger><http_port>${port}</http_port>
<listen_host>127.0.0.1</listen_host><path>${dir}/data/</path><tmp_path>${dir}/tmp/</tmp_path>
<users_config>users.xml</users_config><default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>5368709120</mark_cache_size><max_concurrent_queries>100</max_concurrent_queries></yandex>`,
  );
  writeFileSync(
    join(dir, 'users.xml'),
    `<yandex><profiles><default/></profiles><quotas><default/></quotas><users><default><password/><networks><ip>127.0.0.1</ip>
</networks><profile>default</profile><quota>default</quota></default></users></yandex>`,
  );
  const { child } = start(t, ['clickhouse-server', `--config-file=${dir}/config.xml`], dir, [
    'ignore',
    'ignore',
    'pipe',
  ]);
  child.stderr?.resume();
  const url = `http://127.0.0.1:${port}/`;
  const ask = async (query: string) => (await fetch(url, { method: 'POST', body: query })).text();
  for (;;) {
    assert.equal(child.exitCode, null);
    if (await ask('SELECT 1').catch(() => '')) return { url, ask };
    await sleep(20);
  }
}

test('a real ClickHouse stores every event as a row, and what it refuses is kept with the reason', {
  skip,
}, async (t) => {
  const { url, ask } = await server(t);
  const columns = 'type String, seq UInt64, ts DateTime, comm String, daddr String, dport UInt16';
  await ask(`CREATE TABLE connects (${columns}) ENGINE = MergeTree ORDER BY seq`);
  const events = Array.from({ length: 5_000 }, (_, seq) => connect({ seq: seq + 1, comm: 'é "😀\\' }));
  const dir = folder(t);
  const send = (options: string, input: unknown[]) =>
    shell(`sink-http --preset clickhouse ${options} '${url}?insert_deduplication_token='`, dir, ndjson(...input));
  const sent = await send('--into connects --batch-lines 700 --gzip', events);
  assert.deepEqual(sent, { stdout: '', stderr: '', code: 0 });
  const [first] = events;
  const ts = String(first?.ts).slice(0, 19).replace('T', ' ');
  const what = "count() AS n, sum(seq) AS seqs, any(comm) AS comm, any(dport) AS dport, max(toString(ts, 'UTC')) AS ts";
  assert.deepEqual(JSON.parse(await ask(`SELECT ${what} FROM connects FORMAT JSONEachRow`)), {
    ...{ n: '5000', seqs: '12502500', comm: first?.comm, dport: first?.dport, ts },
  });
  const refused = await send('--into nowhere --on-reject no.ndjson', events.slice(0, 2));
  assert.equal(refused.code, 0);
  assert.match(
    readFileSync(join(dir, 'no.ndjson'), 'utf8'),
    /"reason":"404 Code: 60,.*Table default\.nowhere doesn't exist/,
  );
  const [number] = [{ ...events[0], dport: 443, seq: 1, ts: '2026-11-23T08:15:30.123456Z', type: 'own', comm: [1] }];
  const mixed = await send('--into connects --on-reject bad.ndjson', [number]);
  assert.equal(mixed.code, 0);
  assert.match(readFileSync(join(dir, 'bad.ndjson'), 'utf8'), /"reason":"400 Code: /);
  assert.equal(await ask('SELECT count() FROM connects'), '5000\n');
});
