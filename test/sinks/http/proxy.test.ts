import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { isExempt, proxyFor } from '../../../sinks/http/proxy.js';
import { certificates } from '../../support/certificates.js';
import { numbered } from '../../support/lines.js';
import { freePort } from '../../support/port.js';
import { folder, until } from '../../support/process.js';
import { type ProxyServer, squid, tinyproxy } from '../../support/proxies.js';
import { Receiver } from '../../support/receiver.js';
import { env, shell } from '../../support/shell.js';

const sent = { stdout: '', stderr: '', code: 0 };

const send = (t: TestContext, line: string, more: Record<string, string>, dir = folder(t)) =>
  shell(`sink-http ${line}`, dir, numbered(1, 5), { ...env, ...more } as never);

/** The method and target of each request that Squid logged with this status. */
async function logged(proxy: ProxyServer, status: number): Promise<string[]> {
  const found = () => proxy.log().flatMap((line) => new RegExp(`/${status} \\d+ (\\S+ \\S+)`).exec(line)?.[1] ?? []);
  await until(`${status} in the log`, () => found().length > 0);
  return found();
}

test('Squid forwards http:// requests, which it does not let through with CONNECT', async (t) => {
  const proxy = await squid(t);
  const receiver = await Receiver.start(t);
  for (const address of [`http://127.0.0.1:${proxy.port}`, `127.0.0.1:${proxy.port}`, `localhost:${proxy.port}/`])
    assert.deepEqual(await send(t, `--gzip '${receiver.url}/in?a=b'`, { http_proxy: address }), sent);
  assert.equal(receiver.got.length, 3);
  const [{ request }] = receiver.got as [(typeof receiver.got)[0]];
  assert.deepEqual([request.url, `http://${request.headers.host}`], ['/in?a=b', receiver.url]);
  assert.match(String(request.headers.via), /squid/);
  assert.equal((await logged(proxy, 200))[0], `POST ${receiver.url}/in?`); // Squid does not log the query
});

test('Squid gets its password from HTTP_PROXY, the receiver does not; a wrong password is not a refusal', async (t) => {
  const proxy = await squid(t, { user: 'me', password: 'p@ss' });
  const receiver = await Receiver.start(t);
  const address = `127.0.0.1:${proxy.port}`;
  assert.deepEqual(await send(t, receiver.url, { HTTP_PROXY: `http://me:p%40ss@${address}` }), sent);
  assert.deepEqual(await send(t, receiver.url, { HTTP_PROXY: `me:p%40ss@${address}` }), sent);
  assert.equal(receiver.got.length, 2);
  for (const { request } of receiver.got) assert.equal(request.headers['proxy-authorization'], undefined);
  const wrong = await send(t, `--timeout 2s --on-reject drop ${receiver.url}`, { HTTP_PROXY: `me:x@${address}` });
  const at = `${receiver.url}/ through the proxy http://${address}`;
  const why = 'the proxy answered 407; set USER:PASSWORD@ in its address';
  assert.deepEqual(wrong, {
    stdout: '',
    stderr: `sink-http: ${at}: ${why}; trying again
sink-http: 5 lines not delivered to ${at}: ${why}; see --spool\n`,
    code: 1,
  });
  assert.equal(receiver.got.length, 2);
});

test('https:// uses a tunnel; a proxy that refuses it is named', async (t) => {
  const dir = folder(t);
  certificates(dir);
  const read = (name: string) => readFileSync(join(dir, name));
  const receiver = await Receiver.start(t, undefined, { key: read('server.key'), cert: read('server.pem') });
  const { port } = await tinyproxy(t);
  const line = `--ca ca.pem ${receiver.url}`;
  assert.deepEqual(await send(t, line, { HTTPS_PROXY: `127.0.0.1:${port}` }, dir), sent);
  assert.equal(receiver.got.length, 1);
  assert.deepEqual(await send(t, line, { HTTP_PROXY: '127.0.0.1:1' }, dir), sent); // for http:// only
  const strict = await squid(t);
  const refused = await send(t, `--timeout 2s ${line}`, { https_proxy: `127.0.0.1:${strict.port}` }, dir);
  assert.match(
    refused.stderr,
    new RegExp(
      `^sink-http: \\S+ through the proxy http://127.0.0.1:${strict.port}: the proxy answered 403 to CONNECT;`,
    ),
  );
  assert.equal(refused.code, 1);
});

test('a proxy that is not running is named', async (t) => {
  const nobody = `127.0.0.1:${await freePort()}`;
  for (const url of ['http://127.0.0.1:9/x', 'https://127.0.0.1:9/x']) {
    const variables = { HTTP_PROXY: nobody, HTTPS_PROXY: nobody };
    const { stderr, code } = await send(t, `--timeout 2s ${url}`, variables);
    assert.match(
      stderr,
      new RegExp(`^sink-http: ${url} through the proxy http://${nobody}: ECONNREFUSED; trying again\n`),
    );
    assert.equal(code, 1);
  }
});

test('NO_PROXY bypasses the proxy', async (t) => {
  const proxy = await squid(t);
  const receiver = await Receiver.start(t);
  const http_proxy = `127.0.0.1:${proxy.port}`;
  for (const no_proxy of ['127.0.0.1', '10.0.0.0/8, 127.0.0.0/8', '*'])
    assert.deepEqual(await send(t, receiver.url, { http_proxy, no_proxy }), sent);
  assert.equal(receiver.got.length, 3);
  for (const { request } of receiver.got) assert.equal(request.headers.via, undefined);
});

test('NO_PROXY accepts names, domains, addresses, networks and ports', () => {
  const exempt: Record<string, string[]> = {
    'http://logs.example.com/': ['logs.example.com', 'example.com', '.example.com', '*.example.com', 'EXAMPLE.com.'],
    'http://example.com:8080/': ['example.com:8080', 'x,example.com', 'x example.com', ' example.com ,'],
    'https://example.com/': ['example.com:443', '*', 'a, *'],
    'http://10.1.2.3:8080/': ['10.1.2.3', '10.1.2.3:8080', '10.0.0.0/8', '10.1.2.3/32', '0.0.0.0/0'],
    'http://[fd00::1]:8080/': ['fd00::1', '[fd00::1]', '[fd00::1]:8080', 'fd00::/8', 'FD00:0::1'],
  };
  for (const [url, lists] of Object.entries(exempt))
    for (const list of lists) assert.equal(isExempt(new URL(url), list), true, `${url} ${list}`);
  const proxied: Record<string, string[]> = {
    'http://example.com/': [
      '',
      ',',
      'ample.com',
      'logs.example.com',
      'example.com:8080',
      '10.0.0.0/8',
      'example.com/8',
    ],
    'http://10.1.2.3/': ['10.1.2', '2.3', '.3', '10.1.2.0/33', '10.2.0.0/16', '::/0', '10.1.2.3:8080', '10.1.2.3/x'],
    'http://[fd00::1]/': ['fd00::2', '::1', '0.0.0.0/0', 'fe80::/10'],
  };
  for (const [url, lists] of Object.entries(proxied))
    for (const list of lists) assert.equal(isExempt(new URL(url), list), false, `${url} ${list}`);
});

test('which variable names the proxy, and its accepted forms', () => {
  const target = { http: new URL('http://t/'), https: new URL('https://t/') };
  const found = (scheme: 'http' | 'https', variables: Record<string, string>) =>
    proxyFor(target[scheme], variables)?.origin;
  assert.equal(found('http', { HTTP_PROXY: 'p:1', HTTPS_PROXY: 'p:2' }), 'http://p:1');
  assert.equal(found('https', { HTTP_PROXY: 'p:1', HTTPS_PROXY: 'p:2' }), 'http://p:2');
  assert.equal(found('https', { HTTP_PROXY: 'p:1' }), undefined);
  assert.equal(found('http', { http_proxy: 'p:1', HTTP_PROXY: 'p:2' }), 'http://p:1');
  assert.equal(found('http', { http_proxy: '', HTTP_PROXY: 'p:2' }), undefined);
  assert.equal(found('http', { HTTP_PROXY: 'https://p/x' }), 'https://p');
  assert.equal(found('http', { HTTP_PROXY: '[::1]:3128' }), 'http://[::1]:3128');
  assert.equal(proxyFor(target.http, { HTTP_PROXY: 'me@p:1' })?.authorization, `Basic ${btoa('me:')}`);
  for (const wrong of ['ftp://p', 'socks5://p:1080', ' ', 'p q:1', 'p:99999', 'http://', '::1', 'http://a%zz:b@p:1'])
    assert.throws(() => found('http', { HTTP_PROXY: wrong }), {
      message: 'invalid HTTP_PROXY: use HOST:PORT, http://HOST:PORT or https://HOST:PORT',
    });
});
