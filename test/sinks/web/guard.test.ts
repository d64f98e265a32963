import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, rejection } from '../../../dist/sinks/web/guard.js';

const asked = (headers: Record<string, string>, token: string | null = null, path = '/') => ({ headers, token, path });
const local = { token: 'secret', loopback: true };
const remote = { token: 'secret', loopback: false };

test('which addresses only this machine can reach', () => {
  for (const one of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) assert.equal(isLoopback(one), true, one);
  for (const one of ['0.0.0.0', '::', '192.0.2.1', '128.0.0.1', 'localhost.example', '127.example']) {
    assert.equal(isLoopback(one), false, one);
  }
});

test('on loopback: its own host names only, no other origin; the page for everyone, the rest with the cookie', () => {
  for (const host of ['127.0.0.1:8040', 'localhost:8040', '[::1]:8040', 'LOCALHOST']) {
    assert.equal(rejection(asked({ host }), local), undefined, host);
    assert.equal(rejection(asked({ host, origin: `http://${host}` }), local), undefined, host);
  }
  for (const host of ['', 'evil.example', 'evil.example:8040', '127.0.0.1.evil.example', '192.0.2.1:8040']) {
    assert.equal(rejection(asked({ host }), local)?.[0], 421, host);
  }
  const host = '127.0.0.1:8040';
  for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:9', 'https://127.0.0.1:8040']) {
    assert.equal(rejection(asked({ host, origin }), local)?.[0], 403, origin);
  }
  const cookie = 'synpipe-token-8040=secret';
  for (const site of ['cross-site', 'same-site']) {
    const headers = { host, 'sec-fetch-site': site };
    const leads = { ...headers, 'sec-fetch-mode': 'navigate' };
    assert.equal(rejection(asked({ ...headers, 'sec-fetch-mode': 'no-cors' }), local)?.[0], 403);
    assert.equal(rejection(asked(leads), local), undefined);
    for (const path of ['/events', '/page.js'])
      assert.equal(rejection(asked({ ...leads, cookie }, null, path), local)?.[0], 403, 'cookies ignore the port');
  }
  assert.equal(rejection(asked({ host }, null, '/events'), local)?.[0], 401);
  assert.equal(rejection(asked({ host, cookie: 'synpipe-token-8041=secret' }, null, '/events'), local)?.[0], 401);
  assert.equal(rejection(asked({ host, cookie }, null, '/events'), local), undefined);
});

test('elsewhere: an IP address as host, and the token, from the address or the cookie', () => {
  const host = '192.0.2.1:8040';
  assert.equal(rejection(asked({ host }, 'secret'), remote), undefined);
  assert.equal(rejection(asked({ host, cookie: 'a=b; synpipe-token-8040=secret' }), remote), undefined);
  assert.equal(rejection(asked({ host: '[2001:db8::1]:8040' }, 'secret'), remote), undefined);
  assert.equal(rejection(asked({ host: '192.0.2.1', cookie: 'synpipe-token-80=secret' }), remote), undefined);
  for (const bad of [
    asked({ host }),
    asked({ host }, 'secre'),
    asked({ host, cookie: 'xsynpipe-token-8040=secret' }),
  ]) {
    assert.equal(rejection(bad, remote)?.[0], 401);
  }
  assert.equal(rejection(asked({ host: 'rebound.example' }, 'secret'), remote)?.[0], 421);
});
