import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage, request } from 'node:http';
import { type TestContext, test } from 'node:test';
import { connect, ndjson } from '../../support/events.js';
import { folder, proc, type Running, start } from '../../support/process.js';
import { env, shell } from '../../support/shell.js';

async function serve(t: TestContext, options: string[], token?: string): Promise<Running & { url: URL }> {
  const argv = ['env', ...(token ? [`SYNPIPE_WEB_TOKEN=${token}`] : []), 'sink-web', ...options];
  const running = start(t, argv, folder(t));
  const [output] = await once(running.child.stderr as NonNullable<typeof running.child.stderr>, 'data');
  return { ...running, url: new URL(/http:\S+/.exec(output)?.[0] as string) };
}

/** The cookie of a server on loopback, as a browser gets it with the page. */
async function cookieOf(url: URL): Promise<{ cookie: string }> {
  const [{ headers }] = await answer(new URL('/', url));
  return { cookie: /^[^;]+/.exec(headers['set-cookie']?.[0] ?? '')?.[0] as string };
}

async function answer(
  url: URL,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<[IncomingMessage, string]> {
  const asked = request(url, { headers, method }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response) text += part;
  return [response, text];
}

test('serves the page and its parts, with a policy that allows nothing else', async (t) => {
  const { url } = await serve(t, ['-l', '0']);
  const cookie = await cookieOf(url);
  for (const path of ['/', '/page.js', '/page.css', '/icon.svg']) {
    const [{ statusCode, headers }, text] = await answer(new URL(path, url), cookie);
    assert.equal(statusCode, 200, path);
    assert.ok(text.length > 100, path);
    assert.match(headers['content-security-policy'] as string, /^default-src 'none'; script-src 'self';/);
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.doesNotMatch(text, /https?:\/\/(?!(www\.)?(w3\.org|github\.com))/, `${path} names another site`);
  }
  const status = async (path: string, headers = {}, method = 'GET') =>
    (await answer(new URL(path, url), { ...cookie, ...headers }, method))[0].statusCode;
  assert.equal(await status('/', {}, 'POST'), 405);
  assert.equal(await status('/', { host: 'rebound.example' }), 421);
  assert.equal(await status('/events', { origin: 'http://evil.example' }), 403);
  for (const path of ['/events', '/events?check&where=dport+%3D+1', '/page.js', '/nothing'])
    for (const wrong of ['', 'a=b', cookie.cookie.replace(/.$/, '!'), cookie.cookie.replace(/^[^=]+/, 'synpipe-token')])
      assert.equal(await status(path, { cookie: wrong }), 401, `${path} ${wrong}`);
  assert.equal(await status('/events?check&where=dport+%3D+1'), 400);
  assert.equal(await status('/events?check&where=dport+%3D%3D+1'), 200);
  for (const path of ['/../package.json', '/%2e%2e/web.js', '/page.js/', '/constructor']) {
    assert.equal(await status(path), 404, path);
  }
});

test('an address other than loopback needs the token, and removes it from the address bar', async (t) => {
  const { url } = await serve(t, ['-l', '0.0.0.0:0'], 'secret');
  url.hostname = '127.0.0.1';
  assert.equal(url.searchParams.get('token'), 'secret');
  assert.equal((await answer(new URL('/', url)))[0].statusCode, 401);
  assert.equal((await answer(new URL('/events?token=wrong', url)))[0].statusCode, 401);
  const [{ statusCode, headers }] = await answer(url);
  assert.deepEqual([statusCode, headers.location], [303, '/']);
  const [cookie] = headers['set-cookie'] as string[];
  const name = `synpipe-token-${url.port}`;
  assert.equal(cookie, `${name}=secret; HttpOnly; SameSite=Strict; Path=/`);
  assert.equal((await answer(new URL('/', url), { cookie: `${name}=secret` }))[0].statusCode, 200);
  const random = await serve(t, ['-l', '[::]:0']);
  assert.match(random.url.searchParams.get('token') as string, /^[\w-]{24}$/);
});

test('a page that reconnects continues where it was; with a new run it starts over', async (t) => {
  const { child, url } = await serve(t, ['-l', '0']);
  child.stdin?.write(ndjson(...[1, 2, 3].map((seq) => connect({ seq, id: String(seq) }))));
  const cookie = await cookieOf(url);
  const read = async (headers: Record<string, string>) => {
    const asked = get(new URL('/events', url), { headers: { ...cookie, ...headers } });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of response) {
      text += part;
      if (/event:state/.test(text)) break;
    }
    asked.destroy();
    return text;
  };
  let first = await read({});
  while (!/"seq":3,/.test(first)) first = await read({}); // the lines may arrive after the page
  assert.equal(first.match(/"type":"connect"/g)?.length, 3);
  const [, run] = /id:(\w+)\.3/.exec(first) ?? [];
  assert.equal((await read({ 'last-event-id': `${run}.2` })).match(/"type":"connect"/g)?.length, 1);
  assert.equal((await read({ 'last-event-id': 'other.2' })).match(/"type":"connect"/g)?.length, 3);
  assert.equal((await read({ 'last-event-id': `${run}.99` })).match(/"type":"connect"/g), null);
});

test('a page that stops reading neither blocks the pipe nor uses memory', async (t) => {
  const { child, url, ended } = await serve(t, ['-l', '0', '--keep', '5000', '--tee']);
  const asked = get(new URL('/events', url), { headers: await cookieOf(url) });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  response.pause();
  let lines = 0;
  child.stdout?.on('data', (part: Buffer) => {
    for (const byte of part) if (byte === 10) lines++;
  });
  const text = ndjson(
    ...Array.from({ length: 1000 }, (_, i) => connect({ seq: i + 1, note: 'x'.repeat(2_000) } as object)),
  );
  for (let i = 0; i < 100; i++)
    if (!child.stdin?.write(text)) await once(child.stdin as NonNullable<typeof child.stdin>, 'drain');
  child.stdin?.end();
  while (lines < 100_000) await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  const peak = proc(child.pid, 'status', 'VmHWM');
  assert.ok(peak < 250_000, `${peak} kB, of more than 200 MB sent`);
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
  asked.destroy();
});

test('an address that is in use or not ours is reported in one line', async (t) => {
  const { url } = await serve(t, ['-l', '0']);
  const { code, stderr } = await shell(`sink-web -l ${url.port}`, folder(t), '', env);
  assert.deepEqual([code, stderr.split('\n').length], [1, 2]);
  assert.match(stderr, /^sink-web: cannot listen on 127.0.0.1 port \d+: EADDRINUSE[^\n]*; /);
});
