/** What a person meets on the page: empty states, a URL to share, names, failed look-ups, the phone, the keyboard. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { open } from '../../support/browser.js';
import { connect, ndjson } from '../../support/events.js';
import { until } from '../../support/process.js';
import { attempts, chromium, file, known, serve } from './served.js';

const text = (page: Page, id: string) => page.locator(`#${id}`).textContent();
const reason = (page: Page, wanted: string) =>
  page.waitForFunction((wanted) => document.getElementById('reason')?.textContent === wanted, wanted);
const cells = (page: Page) => page.locator('#rows [role=row]').first().locator('> *').allTextContents();

test('a filter keeps the old content until the new events are complete', async (t) => {
  const { url } = await serve(t, file('swap.ndjson', ...known(4000)));
  const { page } = await open(t, chromium, url);
  await attempts(page, 4000);
  await page.evaluate(() => {
    const seen: string[] = [];
    const place = document.getElementById('attempts') as HTMLElement;
    new MutationObserver(() => seen.push(place.textContent)).observe(place, { childList: true });
    Object.assign(window, { seen });
  });
  await page.fill('#where', 'dport == 5432');
  await page.keyboard.press('Enter');
  await attempts(page, 2000);
  const seen = await page.evaluate(() => (window as never as { seen: string[] }).seen);
  assert.deepEqual([...new Set([...seen, '4000', '2000'])].sort(), ['2000', '4000']);
});

test('an empty page says what it waits for, and draws no axes', async (t) => {
  const { child, url } = await serve(t, 'pipe');
  const { page, complaints } = await open(t, chromium, url);
  await reason(page, 'Waiting for events. An attempt appears here when a process connects.');
  assert.equal(await page.locator('#charts').isVisible(), false);
  child.stdin?.write(ndjson(...known(10)));
  await attempts(page, 10);
  assert.equal(await page.locator('#charts').isVisible(), true);
  assert.equal(await page.locator('#nothing').isVisible(), false);
  await page.fill('#where', 'dport == 1');
  await reason(page, 'No attempt matches the filter. New attempts that match appear here.');
  await page.fill('#search', 'x');
  child.stdin?.end();
  await reason(page, 'No attempt matches the filter and the search. The input ended.');
  await page.click('#clear');
  await attempts(page, 10);
  const ended = await serve(t, file('empty.ndjson'));
  await page.goto(ended.url);
  await reason(page, 'The input ended. It had no attempts.');
  assert.deepEqual(complaints, []);
});

test('a URL has the filter, the search, the time and the order; back and forward work', async (t) => {
  const { url } = await serve(t, file('shared.ndjson', ...known(200)));
  const { page, complaints } = await open(t, chromium, url);
  await attempts(page, 200);
  await page.fill('#where', 'dport == 5432');
  await page.keyboard.press('Enter');
  await attempts(page, 100);
  await page.selectOption('#last', '60');
  await page.locator('#rows [role=row]').first().click();
  await page.click('#around');
  await page.waitForFunction(() => Number(document.getElementById('attempts')?.textContent) < 100);
  const count = Number(await text(page, 'attempts'));
  await page.click('[data-sort=latency]');
  const shared = page.url();
  assert.match(shared, /#where=dport\+%3D%3D\+5432&from=2026-11-23T08%3A00%3A\d\d\.\d{3}Z&to=[^&]*&sort=-latency$/);
  const other = await open(t, chromium, shared);
  await attempts(other.page, count);
  assert.equal(await other.page.inputValue('#where'), 'dport == 5432');
  assert.equal(await other.page.locator('#last option:checked').textContent(), 'Selection');
  assert.equal(await other.page.locator('[aria-sort=descending]').textContent(), 'Latency');
  assert.match((await text(other.page, 'hint')) as string, /^2026-11-23 08:00:\d\d – 08:0\d:\d\d$/);
  for (const [step, wanted, filter] of [
    ['goBack', count, 'dport == 5432'],
    ['goBack', 100, 'dport == 5432'],
    ['goBack', 100, 'dport == 5432'],
    ['goBack', 200, ''],
    ['goForward', 100, 'dport == 5432'],
  ] as const) {
    await page[step]();
    await attempts(page, wanted);
    assert.equal(await page.inputValue('#where'), filter);
  }
  assert.deepEqual([complaints, other.complaints], [[], []]);
});

test('the URL with a token keeps the view, and loses the token', async (t) => {
  const { url } = await serve(t, file('token.ndjson', ...known(100)), '-l', '0.0.0.0:0');
  assert.match(url, /token=/);
  const { page } = await open(t, chromium, `${url.replace('0.0.0.0', '127.0.0.1')}#where=dport+%3D%3D+5432`);
  await attempts(page, 50);
  assert.match(page.url(), /^http:\/\/127\.0\.0\.1:\d+\/#where=dport\+%3D%3D\+5432$/);
  await page.click('#clear');
  await attempts(page, 100);
  assert.match(page.url(), /^http:\/\/127\.0\.0\.1:\d+\/$/);
});

test('names are shortened in the middle; the port, and the whole name for copying, stay', async (t) => {
  const name = `${'a-very-long-service-name.'.repeat(5)}example.com`;
  const { url } = await serve(t, file('long.ndjson', connect({ name, name_source: 'dns', dport: 30443 })));
  for (const viewport of [
    { width: 1360, height: 860 },
    { width: 390, height: 844 },
  ]) {
    const { page } = await open(t, chromium, url, { viewport });
    await attempts(page, 1);
    const destination = page.locator('#rows [role=row] > :nth-child(4)');
    assert.equal(await destination.textContent(), `${name}:30443`);
    assert.equal(await destination.getAttribute('title'), `${name}:30443`);
    const [cell, end] = [await destination.boundingBox(), await destination.locator('> :last-child').boundingBox()];
    assert.ok(cell && end && end.x >= cell.x && end.x + end.width <= cell.x + cell.width + 0.5, 'the port is visible');
    const label = page.locator('#graph [role=button]').nth(1);
    assert.match((await label.locator('text').first().textContent()) as string, /^a-.*….*:30443$/);
    assert.equal(await label.locator('title').textContent(), `${name}:30443: 1`);
    for (const node of await page.locator('#graph text:not([visibility=hidden])').all()) {
      const [place, graph] = [await node.boundingBox(), await page.locator('#talk').boundingBox()];
      assert.ok(place && graph && place.x >= graph.x && place.x + place.width <= graph.x + graph.width, 'not clipped');
    }
  }
});

test('a failed look-up is a row and a destination, and no attempt', async (t) => {
  const dns = {
    ...{ type: 'dns', v: 1, pid: 7, comm: 'curl', name: 'db.example.com' },
    ts: '2026-11-23T08:00:01.000000Z',
  };
  const failed = { ...dns, rcode: 'NXDOMAIN', error: 'NXDOMAIN', latency_us: 2_000 };
  const input = file('dns.ndjson', dns, failed, { ...failed, search: true }, ...known(4));
  const { url } = await serve(t, input);
  const { page, complaints } = await open(t, chromium, url);
  await attempts(page, 4);
  assert.deepEqual([await text(page, 'lookups'), await text(page, 'failed')], ['1', '1 (25 %)']);
  await page.locator('#graph [aria-label="db.example.com (DNS): 1, 1 failed"]').click();
  await attempts(page, 0);
  assert.equal(await page.inputValue('#where'), 'name == "db.example.com" and type == dns');
  assert.deepEqual(await cells(page), ['08:00:00.998', 'curl', '7', 'db.example.com (DNS)', 'NXDOMAIN', '2.00 ms']);
  assert.deepEqual(complaints, []);
});

test('latency has a logarithmic axis; times have 24 hours and an ISO date', async (t) => {
  const { url } = await serve(t, file('axes.ndjson', ...known(200)));
  const drawn: string[] = [];
  const context = await chromium.newContext({ timezoneId: 'America/New_York', locale: 'en-US' });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.exposeFunction('drawn', (label: string) => drawn.push(label));
  await page.addInitScript(() => {
    const { fillText } = CanvasRenderingContext2D.prototype;
    CanvasRenderingContext2D.prototype.fillText = function (label, ...rest) {
      (window as never as { drawn: (label: string) => void }).drawn(label);
      fillText.call(this, label, ...rest);
    };
  });
  await page.goto(url);
  await attempts(page, 200);
  // uPlot draws after the page shows the numbers, and each label arrives here by itself
  const wanted = ['100 µs', '1 ms', '10 ms', '100 ms', '03:00:30', '2026-11-23'];
  await until(`all of ${wanted} are drawn`, () => wanted.every((label) => drawn.includes(label)));
  assert.ok(!drawn.some((label) => /[ap]m|\/26/.test(label)));
  assert.equal(await text(page, 'zone'), 'times in UTC−05:00');
});

test('on a phone an attempt is a card of two lines, with nothing cut off', async (t) => {
  const { url } = await serve(t, file('phone.ndjson', ...known(50)));
  const { page } = await open(t, chromium, url, {
    viewport: { width: 390, height: 844 },
    isMobile: true,
    hasTouch: true,
  });
  await attempts(page, 50);
  const row = page.locator('#rows [role=row]').first();
  const tops = new Set<number>();
  for (const at of [1, 2, 4, 5, 6]) {
    const cell = row.locator(`> :nth-child(${at})`);
    const box = await cell.boundingBox();
    assert.ok(box && box.x >= 0 && box.x + box.width <= 390, `cell ${at}`);
    assert.ok(await cell.evaluate((one) => one.scrollWidth <= one.clientWidth + 1), `cell ${at} is cut off`);
    tops.add(Math.round((box as { y: number }).y / 20));
  }
  assert.equal(tops.size, 2);
});

test('everything works from the keyboard; Escape shows all again', async (t) => {
  const { url } = await serve(t, file('keys.ndjson', ...known(200)));
  const { page, complaints } = await open(t, chromium, url);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await attempts(page, 200);
  const clipboard = () => page.evaluate(() => navigator.clipboard.readText());
  await page.keyboard.press('/');
  await page.keyboard.type('dport == 5432');
  await page.keyboard.press('Enter');
  await attempts(page, 100);
  const order: string[] = [];
  for (let i = 0; i < 15; i++) {
    const seen = await page.evaluate(() => {
      const one = document.activeElement as HTMLElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(one);
      return `${one.id || one.dataset.sort || one.getAttribute('aria-label')} ${outlineStyle} ${outlineWidth}`;
    });
    order.push(seen.replace(/ (solid|auto) [1-9]px$/, ''));
    await page.keyboard.press('Tab');
  }
  assert.deepEqual(order, [
    ...['where', 'search', 'last', 'clear', 'pause', 'export', 'command', 'list'],
    ...['time', 'process', 'pid', 'destination', 'result', 'latency', 'node: 67'],
  ]);
  await page.focus('#list');
  for (const key of ['ArrowDown', 'ArrowDown', 'End', 'Home', 'ArrowDown']) await page.keyboard.press(key);
  const chosen = page.locator('#rows [aria-selected=true]');
  assert.equal(await chosen.getAttribute('aria-rowindex'), '3');
  assert.equal(await page.locator('#list').getAttribute('aria-activedescendant'), await chosen.getAttribute('id'));
  const time = (await chosen.locator('> *').allTextContents())[0];
  await page.keyboard.press('Enter');
  await page.focus('#copy');
  await page.keyboard.press('Enter');
  const lines = (await clipboard()).split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ type, ts }) => `${type} ${ts.slice(11, 23)}`),
    [`connect ${time}`, `outcome ${time}`],
  );
  await page.locator('#fields button', { hasText: 'established' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => location.hash.includes('established'));
  assert.equal(await page.inputValue('#where'), 'dport == 5432 and result == "established"');
  await page.focus('#command');
  await page.keyboard.press('Enter');
  assert.equal(await clipboard(), `filter --where 'dport == 5432 and result == "established"'`);
  await page.selectOption('#last', '60');
  await page.keyboard.press('Escape');
  await attempts(page, 200);
  assert.equal(new URL(page.url()).hash, '');
  assert.deepEqual(complaints, []);
});

test('what fails or waits comes first in the graph, however rare it is', async (t) => {
  const busy = Array.from({ length: 900 }, (_, i) =>
    connect({ seq: i + 1, id: String(i), daddr: `192.0.2.${i % 30}` }),
  );
  const rare = connect({ id: '901', daddr: '203.0.113.1', errno: 111, error: 'ECONNREFUSED' });
  const { url } = await serve(t, file('rare.ndjson', ...busy, rare));
  const { page } = await open(t, chromium, url);
  await attempts(page, 901);
  const labels = await page.locator('#graph [aria-label]').evaluateAll((all) => all.map((one) => one.ariaLabel));
  assert.equal(labels[1], '203.0.113.1:443: 1, 1 failed');
});
