import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { connect, ndjson } from '../../support/events.js';
import { folder, proc, start } from '../../support/process.js';
import { answer, responder } from '../../support/responder.js';

/** Starts enrich with these options. Returns a function that sends `count` more events and returns the peak memory (kB). */
function feed(t: TestContext, options: string[], event: (n: number) => object): (count: number) => Promise<number> {
  const argv = ['enrich', '--with', 'names', ...options];
  const { child } = start(t, argv, folder(t), ['pipe', 'ignore', 'inherit']);
  const input = child.stdin as NodeJS.WritableStream;
  let sent = 0;
  return async (count) => {
    for (const end = sent + count; sent < end; ) {
      const events = Array.from({ length: 1_000 }, () => event(sent++));
      if (!input.write(ndjson(...events))) await once(input, 'drain');
    }
    return proc(child.pid, 'status', 'VmHWM');
  };
}

const address = (n: number) => `198.${18 + (n >> 16)}.${(n >> 8) & 255}.${n & 255}`;

test('ten times the addresses take no more memory', async (t) => {
  const server = await responder(t);
  server.reply = (query) => [answer(query, [{ data: 'a-name-of-some-length.example.com' }])];
  const options = ['--cache', '1000', '--resolver', server.address, '--wait', '0'];
  const send = feed(t, options, (n) => connect({ daddr: address(n) }));
  const first = await send(60_000);
  const second = await send(540_000);
  assert.ok(second < first * 1.5, `${first} kB after 60,000 addresses, ${second} kB after 600,000`);
});

test('ten times the answers take no more memory, for one address and for many, each from another process', async (t) => {
  const send = feed(t, ['--cache', '2000', '--offline'], (n) => {
    const asker = { pid: n, tid: n, netns: n % 100, cgroup: String(n % 1000) };
    const ts = new Date(Date.UTC(2026, 10, 23) + n).toISOString().replace('Z', '000Z');
    return { type: 'dns', v: 1, ts, ...asker, name: `${n}.example.com`, addrs: ['192.0.2.1', address(n)], ttl: 300 };
  });
  const first = await send(30_000);
  const second = await send(270_000);
  assert.ok(second < first * 1.5, `${first} kB after 30,000 answers, ${second} kB after 300,000`);
});
