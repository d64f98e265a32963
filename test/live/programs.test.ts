import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fresh } from './folder.js';
import { live, watch } from './live.js';
import type { Net } from './net.js';

interface Call {
  tid: number;
  daddr: string;
  dport: number;
  error?: string;
}

const address = /sin6?_port=htons\((\d+)\).*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"/;

/** The TCP connects in an strace log, in the order in which the calls ended. */
function parse(trace: string): Call[] {
  const open = new Map<string, string>();
  const calls: Call[] = [];
  for (const line of trace.split('\n')) {
    const [, tid, rest] = line.match(/^(\d+) +(.*)$/) ?? [];
    if (!tid || !rest) continue;
    if (rest.endsWith('<unfinished ...>')) {
      open.set(tid, rest);
      continue;
    }
    const call = rest.startsWith('<... connect resumed>') ? `${open.get(tid)} ${rest}` : rest;
    const [, dport, daddr] = call.match(address) ?? [];
    const [, result] = call.match(/ = (?:-1 )?(E[A-Z]+|0)/) ?? [];
    if (!/^connect\(\d+<TCP/.test(call) || !dport || !daddr || !result) continue;
    const failed = result !== '0' && result !== 'EINPROGRESS';
    calls.push({ tid: Number(tid), daddr, dport: Number(dport), ...(failed ? { error: result } : {}) });
  }
  return calls;
}

async function strace(net: Net, ...command: string[]): Promise<Call[]> {
  const file = fresh('strace');
  const child = net.spawn(['strace', '-f', '-yy', '-e', 'trace=connect', '-o', file, ...command], 'ignore');
  await once(child, 'exit');
  return parse(readFileSync(file, 'utf8'));
}

async function compare(net: Net, least: number, ...command: string[]): Promise<Call[]> {
  const seen = await watch(net);
  const calls = await strace(net, ...command);
  assert.ok(calls.length >= least, `only ${JSON.stringify(calls)}`);
  const events = await seen.events();
  assert.deepEqual(
    events.map(({ tid, daddr, dport, error }) => ({ tid, daddr, dport, ...(error ? { error } : {}) })),
    calls,
  );
  return calls;
}

live('curl, which tries one address after the other, is reported as strace sees it', async (net) => {
  await net.serve(8080, '127.0.0.3');
  net.run('ip', 'route', 'add', 'unreachable', '10.1.1.1');
  const resolve = 'web.test:8080:[::1],[2001:db8::1],10.1.1.1,192.0.2.1,127.0.0.2,127.0.0.3';
  const calls = await compare(net, 4, 'curl', '-sS', '--resolve', resolve, 'http://web.test:8080/');
  assert.ok(calls.some(({ error }) => error === 'EHOSTUNREACH'));
  assert.equal(calls.at(-1)?.daddr, '127.0.0.3');
});

live('node with autoSelectFamily is reported as strace sees it', async (net) => {
  await net.serve(8080, '127.0.0.3');
  net.blackhole(8081);
  net.run('ip', 'route', 'add', 'prohibit', '10.1.1.1');
  const script = `
    const at = [['2001:db8::1', 6], ['10.1.1.1', 4], ['::1', 6], ['127.0.0.2', 4], ['127.0.0.3', 4]];
    const lookup = (host, options, done) => done(null, at.map(([address, family]) => ({ address, family })));
    const { connect } = require('node:net');
    const to = (port, after) => {
      const options = { host: 'web.test', port, lookup, autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 100 };
      const socket = connect(options).on('error', after).on('connect', () => { socket.destroy(); after(); });
    };
    to(8080, () => to(8081, () => process.exit()));`;
  const calls = await compare(net, 8, process.execPath, '-e', script);
  assert.ok(calls.some(({ error }) => error === 'EACCES'));
});

live('python asyncio is reported as strace sees it', async (net) => {
  await net.serve(8080, '127.0.0.3');
  const script = `
import asyncio, socket
async def main():
    loop = asyncio.get_running_loop()
    async def addresses(host, port, **kw):
        at = [('2001:db8::1', 10), ('192.0.2.1', 2), ('::1', 10), ('127.0.0.2', 2), ('127.0.0.3', 2)]
        return [(f, socket.SOCK_STREAM, 6, '', (a, port) if f == 2 else (a, port, 0, 0)) for a, f in at]
    loop.getaddrinfo = addresses
    for delay in None, 0.1:
        _, writer = await asyncio.open_connection('web.test', 8080, happy_eyeballs_delay=delay)
        writer.close()
asyncio.run(main())`;
  await compare(net, 8, '/usr/bin/python3', '-c', script);
});
