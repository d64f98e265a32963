/** What others can do to the page: by the names in events, and from a page on another origin. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { printable } from '../../../schemas/pipe/messages/printable.js';
import { open } from '../../support/browser.js';
import { connect } from '../../support/events.js';
import { attempts, chromium, file, known, serve } from './served.js';

test('names that contain an attack are shown as text', async (t) => {
  const evil = [
    '<img src=x onerror=alert(1)>',
    '"><script>alert(2)</script>',
    "'); alert(3); ('",
    '\u202e\u001b[31m{{7*7}}',
    'a\u200bb\u2028c\u061cd\u{e0041}e',
  ];
  const events = evil.map((text, i) =>
    connect({
      seq: i + 1,
      id: String(i),
      comm: text.slice(0, 15),
      exe: text,
      name: `${text}.example`,
      name_source: 'ptr',
    }),
  );
  const { url } = await serve(t, file('evil.ndjson', ...events));
  const { page, complaints } = await open(t, chromium, url);
  await attempts(page, evil.length);
  for (const text of evil)
    assert.equal(await page.locator('#rows', { hasText: `${printable(text)}.example` }).count(), 1, text);
  for (const [i] of evil.entries()) {
    await page.locator('#rows [role=row]').nth(i).click();
    const whole = (await page.locator('body').textContent()) as string;
    assert.equal(printable(whole.replace(/[\n\r]/g, '')), whole.replace(/[\n\r]/g, ''));
    await page.click('#close');
  }
  await page.locator('#graph [role=button]').first().click();
  await page.waitForFunction(() => document.getElementById('attempts')?.textContent === '1');
  assert.equal(await page.locator('main img, main script').count(), 0);
  assert.deepEqual(complaints, []);
});

/** Starts a server with one page, whose origin differs from that of any sink-web. */
async function elsewhere(t: TestContext, html: string): Promise<{ port: number }> {
  const server = createServer((_, response) => response.setHeader('Content-Type', 'text/html').end(html)).listen(0);
  await once(server, 'listening');
  t.after(() => server.close());
  return server.address() as AddressInfo;
}

test('a page on another origin can get nothing but the page itself, in any way', async (t) => {
  const { url } = await serve(t, file('guarded.ndjson', ...known(20)));
  const { port } = new URL(url);
  const { page } = await open(t, chromium, url); // gives this browser the cookie
  await attempts(page, 20);
  const storageState = await page.context().storageState();
  assert.equal(storageState.cookies.length, 1);
  const paths = ['', 'page.js', 'page.css', 'icon.svg', 'events', 'events?where=comm+%3D%7E+%22%28a%2B%29%2B%24%22'];
  const ways = {
    fetch: (at: string) => `fetch('${at}', { credentials: 'include' }).catch(() => {})`,
    'fetch, not asking to read': (at: string) =>
      `fetch('${at}', { credentials: 'include', mode: 'no-cors' }).catch(() => {})`,
    img: (at: string) => `document.body.append(Object.assign(new Image(), { src: '${at}' }))`,
    script: (at: string) => `document.head.append(Object.assign(document.createElement('script'), { src: '${at}' }))`,
    iframe: (at: string) => `document.body.append(Object.assign(document.createElement('iframe'), { src: '${at}' }))`,
    EventSource: (at: string) => `new EventSource('${at}', { withCredentials: true })`,
    'form, to go there': (at: string) =>
      `document.body.append(Object.assign(document.createElement('form'), { action: '${at}', id: 'f' })); document.querySelector('#f').submit()`,
    'form, to post': (at: string) =>
      `document.body.append(Object.assign(document.createElement('form'), { action: '${at}', id: 'f', method: 'post' })); document.querySelector('#f').submit()`,
    navigation: (at: string) => `location.href = '${at}'`,
    window: (at: string) => `window.open('${at}')`,
  };
  for (const site of ['localhost', '127.0.0.1']) {
    // another site, and the same site, which gets the cookie
    const other = await elsewhere(t, '<!doctype html><body>elsewhere');
    for (const [way, code] of Object.entries(ways)) {
      for (const path of paths) {
        // a separate context, with the cookie: what another try opened may still be loading
        const context = await chromium.newContext({ storageState });
        const attacker = await context.newPage();
        await attacker.goto(`http://${site}:${other.port}/`);
        const answered = context.waitForEvent('response', (one) => one.url().startsWith(`http://127.0.0.1:${port}/`));
        const failed = context.waitForEvent('requestfailed', (asked) =>
          asked.url().startsWith(`http://127.0.0.1:${port}/`),
        );
        await attacker.evaluate(code(`http://127.0.0.1:${port}/${path}`));
        const response = await Promise.race([answered, failed.then(() => undefined)]);
        for (const rest of [answered, failed]) rest.catch(() => {});
        const goes = way === 'navigation' || way === 'window' || way === 'form, to go there' || way === 'iframe';
        const may = goes && path === '';
        if (response) assert.equal(response.ok(), may, `${site} ${way} /${path}: ${response.status()}`);
        else assert.ok(!may, `${site} ${way} /${path} failed`);
        await context.close();
      }
    }
  }
  assert.equal(await page.locator('#state').textContent(), 'Input ended');
});
