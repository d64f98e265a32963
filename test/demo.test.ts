import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import type { Connect, Dns, Outcome } from '../dist/index.js';
import { browser, open } from './support/browser.js';
import { folder, start, until } from './support/process.js';
import { root, shell } from './support/shell.js';

const sample = `${root}dist/collector/replay/sample.ndjson`;
const events = readFileSync(sample, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Connect | Outcome | Dns);
const outcomes = events.filter((event) => event.type === 'outcome');

let chromium: Browser;
before(async () => {
  chromium = await browser();
});
after(() => chromium.close());

test('the sample is valid and small, uses example addresses only, and has every event type and most results', async () => {
  const { stdout, stderr, code } = await shell(`validate --status < ${sample} | tail -n 1`, root);
  assert.deepEqual({ stderr, code }, { stderr: '', code: 0 });
  assert.equal(JSON.parse(stdout).out, events.length);
  assert.ok(readFileSync(sample).length < 200_000);
  assert.deepEqual([...new Set(events.map(({ type }) => type))].sort(), ['dns', 'outcome', 'pending']);
  const results = new Set(outcomes.map(({ result }) => result));
  for (const wanted of ['established', 'refused', 'timeout', 'unreachable', 'denied', 'aborted'] as const)
    assert.ok(results.has(wanted), wanted);
  assert.equal(new Set(events.map(({ netns }) => netns)).size, 1);
  for (const event of events) {
    if (event.type === 'dns') assert.match(event.name, /\.example\.com$/);
    else assert.match(event.daddr, /^(192\.0\.2|198\.51\.100|203\.0\.113)\.|^2001:db8:/);
  }
});

test('synpipe demo shows the recording in the terminal and on the page', async (t) => {
  const { child, ended } = start(t, ['synpipe', 'demo', '--listen', '0', '--speed', '200x'], folder(t));
  let said = '';
  let table = '';
  child.stderr?.on('data', (data) => {
    said += data;
  });
  child.stdout?.on('data', (data) => {
    table += data;
  });
  await until('the page', () => /http:\S+/.test(said));
  assert.match(said, /^synpipe demo: replay --speed .* \| enrich .* \| sink-web .* \| sink-table$/m);
  const { page, complaints } = await open(t, chromium, /http:\S+/.exec(said)?.[0] as string);
  const number = (id: string) => page.locator(`#${id}`).textContent();
  await page.waitForFunction(
    (all) => document.getElementById('attempts')?.textContent === all,
    String(outcomes.length),
  );
  const lookups = events.filter((event) => event.type === 'dns' && event.error && !event.search);
  assert.equal(await number('lookups'), String(lookups.length));
  const failed = outcomes.filter(({ result }) => result !== 'established').length;
  assert.match((await number('failed')) as string, new RegExp(`^${failed} `));
  await page.waitForFunction(() => document.getElementById('state')?.textContent === 'Input ended');
  assert.deepEqual(complaints, []);
  child.kill('SIGINT');
  assert.deepEqual((await ended).code, 0);
  const rows = table.trim().split('\n').slice(1);
  assert.equal(rows.length, events.filter(({ type }) => type !== 'dns').length);
  assert.ok(rows.some((row) => row.includes('db.example.com') && row.includes('established')));
});
