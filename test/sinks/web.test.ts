import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { open } from '../support/browser.js';
import { connect, ndjson } from '../support/events.js';
import { shell } from '../support/shell.js';
import { attempts, chromium, dir, file, known, serve } from './web/served.js';

const number = (page: Page, id: string) => page.locator(`#${id}`).textContent();
const ends = (page: Page) =>
  page
    .locator('#graph [aria-label]')
    .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') as string).sort());

test('the numbers, the graph and the list match what jq counts in the input', async (t) => {
  const input = file('known.ndjson', ...known(200));
  const { url } = await serve(t, input);
  const { page, complaints } = await open(t, chromium, url);
  await attempts(page, 200);
  const count = async (program: string) => (await shell(`jq -rs '${program}' ${input}`, dir)).stdout.trim();
  const outcomes = '[.[] | select(.type == "outcome")]';
  const failed = Number(await count(`${outcomes} | map(select(.result != "established")) | length`));
  assert.equal(await number(page, 'failed'), `${failed} (${Math.round((failed / 200) * 100)} %)`);
  const p50 = Number(
    await count(`${outcomes} | map(select(.result == "established").latency_us) | sort | .[length/2|floor]`),
  );
  assert.equal(await number(page, 'p50'), `${Number((p50 / 1000).toPrecision(2))} ms`);
  const group = (key: string) =>
    count(
      `${outcomes} | group_by(${key})[] | "\\(.[0] | ${key}): \\(length)\\(map(select(.result != "established")) | length | if . > 0 then ", \\(.) failed" else "" end)"`,
    );
  const place = '((.name // .daddr) | if contains(":") then "[\\(.)]" else . end) + ":\\(.dport)"';
  const wanted = [...(await group('.comm')).split('\n'), ...(await group(`(${place})`)).split('\n')].sort();
  assert.deepEqual(await ends(page), wanted);
  const bands = await page
    .locator('#graph path')
    .evaluateAll((all) => all.map((one) => Number(one.getAttribute('data-count'))));
  assert.equal(
    bands.reduce((sum, one) => sum + one),
    200,
  );
  assert.equal(await page.locator('#list').getAttribute('aria-rowcount'), '201');
  assert.match((await page.locator('#rows [role=row]').first().textContent()) as string, /^08:00:49.750/);
  await page.waitForFunction(() => document.getElementById('state')?.textContent === 'Input ended');
  assert.deepEqual(complaints, []);
});

test('the charts follow the input', async (t) => {
  const { url } = await serve(t, file('charts.ndjson', ...known(200)));
  const { page } = await open(t, chromium, url);
  await attempts(page, 200);
  // 4 attempts a second, one of them failed: what the legend shows with the cursor in the middle
  const box = await page.locator('#rate .u-over').boundingBox();
  await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 40, (box?.y ?? 0) + 20);
  await page.waitForFunction(() => {
    const values = [...document.querySelectorAll('#rate .u-legend .u-value')].map((one) => one.textContent);
    return values[1] === '4' && values[2] === '1';
  });
  // drag over the second half: about half of the attempts remain
  await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 100, (box?.y ?? 0) + 20);
  await page.mouse.down();
  await page.mouse.move((box?.x ?? 0) + (box?.width ?? 0) - 1, (box?.y ?? 0) + 20, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction(() => Number(document.getElementById('attempts')?.textContent) < 200);
  const part = Number(await number(page, 'attempts'));
  assert.ok(part > 10 && part < 100, String(part));
  await page.click('#reset');
  await attempts(page, 200);
});

test('events appear as they arrive; a pause freezes the view; the end is shown', async (t) => {
  const { child, url, ended } = await serve(t, 'pipe');
  const { page, complaints } = await open(t, chromium, url);
  await page.waitForFunction(() => document.getElementById('state')?.textContent === 'Live');
  child.stdin?.write(ndjson(...known(10)));
  await attempts(page, 10);
  await page.click('#pause');
  child.stdin?.write(
    ndjson(...known(10, 10), { type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count: 7 }),
  );
  await page.waitForFunction(() => document.getElementById('lost')?.textContent === '7');
  assert.equal(await number(page, 'attempts'), '10');
  assert.equal(await page.locator('#state').textContent(), 'Paused');
  await page.click('#pause');
  await attempts(page, 20);
  child.stdin?.end();
  await page.waitForFunction(() => document.getElementById('state')?.textContent === 'Input ended');
  child.kill('SIGINT');
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: (await ended).stderr });
  await page.waitForFunction(() => document.getElementById('state')?.textContent === 'Not connected');
  assert.equal(await number(page, 'attempts'), '20');
  assert.ok(
    complaints.every((text) => /ERR_(CONNECTION|INCOMPLETE|EMPTY)/.test(text)),
    complaints.join('\n'),
  );
});

test('a filter narrows the view; the column of an error is shown; click, keys and search select', async (t) => {
  const { url } = await serve(t, file('filter.ndjson', ...known(200)));
  const { page, complaints } = await open(t, chromium, url);
  await attempts(page, 200);
  const counted = async (expression: string) =>
    (
      await shell(`filter --where '${expression}' < filter.ndjson | jq -s 'map(.id) | unique | length'`, dir)
    ).stdout.trim();
  await page.fill('#where', 'dport == 443 or comm == "node"');
  await attempts(page, Number(await counted('dport == 443 or comm == "node"')));
  await page.fill('#where', 'dport = 443');
  await page.waitForFunction(() => /column 7/.test(document.getElementById('why')?.textContent ?? ''));
  await page.click('#clear');
  await attempts(page, 200);
  assert.equal(await page.locator('#why').textContent(), '');
  await page.locator('#graph [aria-label^="curl:"]').click();
  await attempts(page, Number(await counted('comm == "curl"')));
  await page.locator('#graph [aria-label^="api.example.com"]').focus();
  await page.keyboard.press('Enter');
  await attempts(page, Number(await counted('comm == "curl" and name == "api.example.com" and dport == 443')));
  await page.click('#clear');
  await attempts(page, 200);
  await page.fill('#search', 'API.example');
  await attempts(page, Number(await counted('name == "api.example.com"')));
  await page.fill('#search', '');
  await page.click('[data-sort=result]');
  await page.waitForFunction(() => document.querySelector('#rows [role=row]')?.className === 'failed');
  await page.locator('#rows [role=row]').first().click();
  assert.match((await page.locator('#fields').textContent()) as string, /resultrefused/);
  assert.deepEqual(complaints, []);
});

test('the view can be downloaded as NDJSON, byte for byte', async (t) => {
  const { url } = await serve(t, file('export.ndjson', ...known(50)));
  const { page } = await open(t, chromium, url);
  await attempts(page, 50);
  const [download] = await Promise.all([page.waitForEvent('download'), page.click('#export')]);
  assert.equal(readFileSync(await download.path(), 'utf8'), ndjson(...known(50)));
});

test('the last events are kept, connect and outcome as one attempt; the rest is counted as not shown', async (t) => {
  const { url } = await serve(t, file('many.ndjson', ...known(300)), '--keep', '100');
  const { page } = await open(t, chromium, url);
  await attempts(page, 50);
  assert.equal(await number(page, 'older'), '500');
});

/** A pending event of an attempt made `waited` ms before `now`, and its outcome. */
function waits(id: string, now: number, waited: number, more: Record<string, unknown> = {}) {
  const time = (ms: number) => new Date(ms).toISOString().replace('Z', '000Z');
  const common = { id, pid: 7, comm: 'curl', daddr: '203.0.113.7', dport: 443, ...more };
  return {
    pending: {
      ...connect({ ...common, ts: time(now) }),
      type: 'pending',
      start: time(now - waited),
      result: 'pending',
      waited_us: waited * 1000,
    },
    outcome: {
      ...connect({ ...common, ts: time(now + 20_000) }),
      type: 'outcome',
      start: time(now - waited),
      result: 'unreachable',
      errno: 113,
      error: 'EHOSTUNREACH',
      icmp: 'host-unreachable',
      icmp_from: '192.0.2.254',
      latency_us: (waited + 20_000) * 1000,
      retransmits: 4,
    },
  };
}
const firstRow = (page: Page) => page.locator('#rows [role=row]').first();
const cell = (page: Page, at: number) => firstRow(page).locator(`> :nth-child(${at})`).textContent();
const secondsOf = (text: string | null) => Number(/^waiting (.*) s$/.exec(text ?? '')?.[1]);

test('a waiting attempt is listed first and its time counts up; its outcome replaces it, with the cause', async (t) => {
  const { child, url } = await serve(t, 'pipe');
  const { page, complaints } = await open(t, chromium, url);
  const { pending, outcome } = waits('1', Date.now(), 1_000);
  child.stdin?.write(ndjson(pending, ...known(10, 10)));
  await attempts(page, 11);
  assert.equal(await firstRow(page).getAttribute('class'), 'pending');
  assert.deepEqual([await number(page, 'pending'), await number(page, 'failed')], ['1', '2 (20 %)']);
  const seconds = secondsOf(await cell(page, 5));
  assert.ok(seconds >= 1, String(seconds));
  const later = (than: number) =>
    page.waitForFunction((than) => {
      const text = document.querySelector('#rows .pending > :nth-child(5)')?.textContent ?? '';
      return Number(/^waiting (.*) s$/.exec(text)?.[1]) > than;
    }, than);
  await later(seconds + 0.3);
  const late = await open(t, chromium, url); // it shows the time since the attempt's start, not since the page opened
  await attempts(late.page, 11);
  assert.ok(secondsOf(await cell(late.page, 5)) >= seconds);
  await page.click('#pause');
  const held = await cell(page, 5);
  child.stdin?.write(ndjson({ ...pending, id: '2' }));
  await late.page.waitForFunction(() => document.getElementById('pending')?.textContent === '2');
  assert.equal(await cell(page, 5), held);
  await page.click('#pause');
  child.stdin?.write(ndjson(outcome, { ...outcome, id: '2' }));
  await page.waitForFunction(() => document.getElementById('pending')?.textContent === '0');
  assert.equal(await number(page, 'attempts'), '12');
  assert.equal(await page.locator('#rows .pending').count(), 0);
  assert.equal(await page.locator('#pending').isVisible(), false);
  assert.deepEqual([await cell(page, 5), await cell(page, 6)], ['unreachable', '21.0 s']);
  await firstRow(page).click();
  const fields = (await page.locator('#fields').textContent()) as string;
  assert.match(fields, /icmphost-unreachable.*icmp_from192\.0\.2\.254.*retransmits4/);
  assert.doesNotMatch(fields, /waited_us/);
  assert.deepEqual([complaints, late.complaints], [[], []]);
});

test('at the end of input, the time of waiting attempts stops', async (t) => {
  const past = Date.parse('2026-11-23T08:00:00Z');
  const [one, other] = [waits('1', past, 1_000), waits('2', past + 7_000, 2_000)];
  const { url } = await serve(t, file('ended.ndjson', one.pending, other.pending, { ...other.outcome, id: '3' }));
  const { page } = await open(t, chromium, url);
  await page.waitForFunction(() => document.getElementById('state')?.textContent === 'Input ended');
  await attempts(page, 3);
  const rows = () => page.locator('#rows .pending > :nth-child(5)').allTextContents();
  assert.deepEqual(await rows(), ['waiting 28.0 s', 'waiting 22.0 s']);
  const drawn = page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
  await drawn;
  assert.deepEqual(await rows(), ['waiting 28.0 s', 'waiting 22.0 s']);
});

test('a page opened late shows waiting attempts too; one disappears if its outcome does not match the filter', async (t) => {
  const { child, url } = await serve(t, 'pipe', '--keep', '20');
  const { pending, outcome } = waits('900', Date.now(), 1_000, { comm: 'hangs' });
  child.stdin?.write(ndjson(pending, ...known(40)));
  const { page, complaints } = await open(t, chromium, url);
  await page.waitForFunction(() => document.querySelector('#rows .pending')?.textContent?.includes('hangs'));
  assert.equal(await cell(page, 2), 'hangs');
  await page.fill('#where', 'not latency_us');
  await page.waitForFunction(() => location.hash.includes('where='));
  await page.waitForFunction(() => document.querySelector('#rows [role=row]')?.className === 'pending');
  child.stdin?.write(ndjson(outcome));
  await page.waitForFunction(() => document.querySelector('#rows .pending') === null);
  await page.click('#clear');
  await page.waitForFunction(() => document.querySelector('#rows [role=row]')?.textContent?.includes('hangs'));
  assert.equal(await cell(page, 5), 'unreachable');
  assert.deepEqual(complaints, []);
});

test('light, dark and phone: nothing is wider than the screen', async (t) => {
  const { url } = await serve(t, file('sizes.ndjson', ...known(100)));
  for (const more of [
    { colorScheme: 'dark' as const },
    { viewport: { width: 390, height: 844 }, isMobile: true },
    { viewport: { width: 320, height: 600 } },
  ]) {
    const { page, complaints } = await open(t, chromium, url, more);
    await attempts(page, 100);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(wider <= 0, `${JSON.stringify(more)}: ${wider} px too wide`);
    assert.deepEqual(complaints, []);
  }
});

test('the page finds a new run at the same address', async (t) => {
  const first = await serve(t, file('first.ndjson', ...known(20)));
  const { page } = await open(t, chromium, first.url);
  await attempts(page, 20);
  first.child.kill('SIGTERM');
  await first.ended;
  await serve(t, file('second.ndjson', ...known(30)), '-l', new URL(first.url).port);
  await attempts(page, 30);
});
