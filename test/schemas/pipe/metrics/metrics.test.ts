import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { keep } from '../../../../schemas/pipe/metrics/keep.js';
import { expose, metric } from '../../../../schemas/pipe/metrics/text.js';
import { connect, ndjson } from '../../../support/events.js';
import { numbered } from '../../../support/lines.js';
import { folder, size, until } from '../../../support/process.js';
import { lint, prometheus, samples, server, serving } from '../../../support/prometheus.js';
import { root, shell } from '../../../support/shell.js';

test('a scrape reports the ledger while the stage runs', async (t) => {
  const { child, ended, url, scrape } = await serving(t, ['filter', '--metrics', '0', '--dport', '443']);
  lint(await scrape());
  const old = new Date(Date.now() - 3_600_000).toISOString().replace('Z', '000Z');
  const events = [connect({ dport: 443 }), connect({ dport: 80, ts: old })];
  const lost = { type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count: 17 };
  const input = `${ndjson(events[0], lost)}nonsense\n${ndjson(events[1])}`;
  child.stdin?.write(input);
  const of = '{command="filter",stage="1"}';
  let text = '';
  for (let tries = 0; tries < 1000 && samples(text).get(`synpipe_events_in_total${of}`) !== 4; tries++) {
    text = await scrape();
  }
  lint(text);
  const found = samples(text);
  const value = (name: string) => found.get(`synpipe_${name}${of}`);
  assert.deepEqual(
    ['in', 'out', 'filtered', 'invalid', 'lost'].map((name) => value(`events_${name}_total`)),
    [4, 2, 1, 1, 1],
  );
  assert.deepEqual(
    [value('queue_events'), value('input_bytes_total'), value('upstream_lost_events_total')],
    [0, input.length, 17],
  );
  const lag = value('lag_seconds') as number;
  assert.ok(lag >= 3600, String(lag));
  assert.ok((found.get('process_resident_memory_bytes') as number) > 1e7);
  assert.deepEqual(
    await Promise.all(['/', '/metrics?x=1'].map(async (path) => (await fetch(new URL(path, url))).status)),
    [404, 200],
  );
  assert.equal((await fetch(url, { method: 'POST' })).status, 405);
  child.stdin?.end();
  assert.equal((await ended).code, 1); // one line was invalid; an open scrape connection delays nothing
  await assert.rejects(fetch(url));
});

test("a scrape is answered while the stage's output is not read", async (t) => {
  const { child, scrape } = await serving(t, ['validate', '--metrics', '127.0.0.1:0']);
  child.stdin?.write(numbered(1, 20_000)); // more than its output pipe holds
  let [before, now] = [-1, 0];
  while (now === 0 || now !== before) {
    before = now;
    await sleep(20);
    now = samples(await scrape()).get('synpipe_events_in_total{command="validate",stage="1"}') as number;
  }
  assert.ok(now > 0 && now < 20_000, String(now));
});

test('synpipe run: each stage has its rows, and stages may share an address or file', async (t) => {
  const dir = folder(t);
  const line = 'filter --dport 443 | filter --uid 0 | sink-file --metrics sink.prom out.ndjson';
  const { child, ended, scrape } = await serving(t, ['synpipe', 'run', '--metrics', '0', line], dir);
  const rows = () => readFileSync(join(dir, 'sink.prom'), 'utf8');
  await until('the file', () => size(join(dir, 'sink.prom')) > 0);
  assert.match(rows(), /synpipe_events_in_total\{file="sink",command="sink-file",stage="3"\} 0\n/);
  child.stdin?.write(ndjson(connect({ dport: 443, uid: 0 }), connect({ dport: 443, uid: 7 }), connect({ dport: 80 })));
  const name = (stage: number) => `synpipe_events_out_total{command="filter",stage="${stage}"}`;
  let text = '';
  while (samples(text).get(name(2)) !== 1) text = await scrape();
  lint(text);
  assert.equal(samples(text).get(name(1)), 2);
  assert.doesNotMatch(text, /sink-file/);
  child.stdin?.end();
  assert.equal((await ended).code, 0);
  assert.match(rows(), /synpipe_events_out_total\{file="sink",command="sink-file",stage="3"\} 1\n/);
  assert.equal(statSync(join(dir, 'sink.prom')).mode & 0o777, 0o644);
  assert.deepEqual(readdirSync(dir).sort(), ['out.ndjson', 'sink.prom']);
});

/** A command line for each command that is a stage. */
const lines: Record<string, string> = {
  'sink-file': 'sink-file out.ndjson',
  'sink-http': 'sink-http --timeout 1ms http://127.0.0.1:1/',
  'sink-metrics': 'sink-metrics -',
  'sink-nats': 'sink-nats --timeout 1ms nats://127.0.0.1:1',
  'sink-web': 'sink-web --listen 0 --tee',
  apply: 'apply own.cjs',
};

test("every stage's metrics pass Prometheus's checks", async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'own.cjs'), 'module.exports = (event) => event;');
  writeFileSync(join(dir, 'in'), ndjson(connect()));
  const none = ['collector', 'doctor', 'source-nats', 'synpipe', 'package.json'];
  const commands = readdirSync(join(root, 'dist/bin')).filter((name) => !none.includes(name));
  for (const command of commands) {
    const [words, ...rest] = (lines[command] ?? command).split(new RegExp(`(?<=${command})`));
    const line = `${words} --metrics ${command}.prom ${rest.join('')} < in`;
    const endless = `${line} > out & until [ -s out ]; do sleep 0.05; done; kill $!; wait $!`; // it does not exit by itself
    await shell(command === 'sink-web' ? endless : line, dir);
    const text = readFileSync(join(dir, `${command}.prom`), 'utf8');
    lint(text);
    assert.match(text, new RegExp(`_events_in_total\\{file="${command}",command="${command}",stage="1"\\} 1\\n`));
  }
  assert.ok(commands.length > 10);
});

test('Prometheus scrapes a stage', async (t) => {
  const { child, url } = await serving(t, ['sink-table', '--metrics', '0']);
  child.stdin?.write(ndjson(connect(), connect()));
  const ask = await prometheus(t, { targets: [url] });
  let found = await ask('synpipe_events_out_total');
  while (found?.[0]?.value[1] !== '2') {
    found = await ask('synpipe_events_out_total');
    await sleep(20);
  }
  const { command, stage, job } = found[0]?.metric ?? {};
  assert.deepEqual([command, stage, job], ['sink-table', '1', 'synpipe']);
  while ((await ask('synpipe_lag_seconds > 0'))?.length !== 1) await sleep(20); // a late scrape has no result
});

test("node_exporter's textfile collector reads the files of several commands", async (t) => {
  const dir = folder(t);
  for (const name of ['a', 'b']) {
    await shell(
      `filter --dport 443 --metrics ${name}.prom | sink-file --metrics ${name}-sink.prom out`,
      dir,
      ndjson(connect({ dport: 443 })),
    );
  }
  const argv = ['prometheus-node-exporter', '--collector.disable-defaults', '--collector.textfile'];
  const exporter = await server(t, [...argv, `--collector.textfile.directory=${dir}`], dir);
  const text = await (await fetch(`${exporter}/metrics`)).text();
  const found = samples(text);
  for (const file of ['a', 'b']) {
    const own = (command: string) => `synpipe_events_out_total{command="${command}",file="${file}`;
    assert.equal(found.get(`${own('filter')}",stage="1"}`), 1, text);
    assert.equal(found.get(`${own('sink-file')}-sink",stage="1"}`), 1, text);
  }
  assert.equal(found.get('node_textfile_scrape_error'), 0);
});

test('the metrics file is whole at every moment; a failure to write it is reported once each time', async (t) => {
  const dir = folder(t);
  const path = join(dir, 'deep', 'x.prom');
  await assert.rejects(
    keep(path, () => '', assert.fail),
    {
      message: `cannot write metrics ${path}: ENOENT; check the path`,
    },
  );
  mkdirSync(join(dir, 'deep'));
  let [count, long] = [0, ''];
  const said: string[] = [];
  const text = () => `${++count} ${long}\n`;
  long = 'x'.repeat(1 << 16);
  const file = await keep(path, text, (message) => said.push(message), 1);
  while (count < 50) {
    const now = readFileSync(path, 'utf8');
    assert.match(now, /^\d+ x+\n$/);
    assert.equal(now.length - now.indexOf(' '), long.length + 2);
    await sleep(1);
  }
  for (let times = 1; times <= 2; times++) {
    renameSync(join(dir, 'deep'), join(dir, 'away'));
    const before = count;
    await until('some tries', () => count > before + 5);
    assert.equal(said.length, times, said.join('\n'));
    renameSync(join(dir, 'away'), join(dir, 'deep'));
    rmSync(path);
    await until('the file', () => statSync(path, { throwIfNoEntry: false }) !== undefined);
  }
  await file.close();
  assert.equal(Number.parseInt(readFileSync(path, 'utf8'), 10), count);
  chmodSync(path, 0o600); // nothing writes it any more
  await sleep(5);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(join(dir, 'deep')), ['x.prom']);
});

test('labels and help may contain any characters', () => {
  const one = {
    ...metric('synpipe_x', 'gauge', 'a\\b\nc', 1),
    samples: [{ labels: { name: 'a"b\\c\nd' }, value: 0.5 }],
  };
  const text = expose([one, { ...one, samples: [{ labels: {}, value: 1e21 }] }]);
  assert.equal(
    text,
    '# HELP synpipe_x a\\\\b\\nc\n# TYPE synpipe_x gauge\nsynpipe_x{name="a\\"b\\\\c\\nd"} 0.5\nsynpipe_x 1e+21\n',
  );
  lint(text);
  assert.equal(expose([metric('synpipe_none', 'gauge', 'Nothing.', undefined)]), '');
});
