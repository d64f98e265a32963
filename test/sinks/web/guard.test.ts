import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLoopback, refusal } from '../../../dist/sinks/web/guard.js';

const asked = (headers: Record<string, string>, token: string | null = null) => ({ headers, token });

test('which addresses only this machine reaches', () => {
  for (const one of ['127.0.0.1', '127.9.9.9', '::1', 'localhost']) assert.equal(isLoopback(one), true, one);
  for (const one of ['0.0.0.0', '::', '192.0.2.1', '128.0.0.1', 'localhost.example', '127.example']) {
    assert.equal(isLoopback(one), false, one);
  }
});

test('on loopback: its own names only, no other origin', () => {
  for (const host of ['127.0.0.1:8040', 'localhost:8040', '[::1]:8040', 'LOCALHOST']) {
    assert.equal(refusal(asked({ host }), undefined), undefined, host);
    assert.equal(refusal(asked({ host, origin: `http://${host}` }), undefined), undefined, host);
  }
  for (const host of ['', 'evil.example', 'evil.example:8040', '127.0.0.1.evil.example', '192.0.2.1:8040']) {
    assert.equal(refusal(asked({ host }), undefined)?.[0], 421, host);
  }
  const host = '127.0.0.1:8040';
  for (const origin of ['http://evil.example', 'null', 'http://127.0.0.1:9', 'https://127.0.0.1:8040']) {
    assert.equal(refusal(asked({ host, origin }), undefined)?.[0], 403, origin);
  }
  const cross = { host, 'sec-fetch-site': 'cross-site' };
  assert.equal(refusal(asked({ ...cross, 'sec-fetch-mode': 'no-cors' }), undefined)?.[0], 403);
  assert.equal(refusal(asked({ ...cross, 'sec-fetch-mode': 'navigate' }), undefined), undefined);
});

test('elsewhere: a number for a name, and the token, from the address or the cookie', () => {
  const host = '192.0.2.1:8040';
  assert.equal(refusal(asked({ host }, 'secret'), 'secret'), undefined);
  assert.equal(refusal(asked({ host, cookie: 'a=b; synpipe-token=secret' }), 'secret'), undefined);
  assert.equal(refusal(asked({ host: '[2001:db8::1]:8040' }, 'secret'), 'secret'), undefined);
  for (const bad of [asked({ host }), asked({ host }, 'secre'), asked({ host, cookie: 'xsynpipe-token=secret' })]) {
    assert.equal(refusal(bad, 'secret')?.[0], 401);
  }
  assert.equal(refusal(asked({ host: 'rebound.example' }, 'secret'), 'secret')?.[0], 421);
});
