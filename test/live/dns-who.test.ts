/** Which process asked, and its ID in its PID namespace. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, realpathSync } from 'node:fs';
import type { Dns } from '../../dist/index.js';
import { dnsIn, seeing } from './answers.js';
import { type Collector, outcomes } from './collect.js';
import { live } from './live.js';
import { nameserver, resolving, responder, withResolver } from './nameserver.js';
import type { Net } from './net.js';
import { until } from './wait.js';

const asker = new URL('asker.py', import.meta.url).pathname;
const python = '/usr/bin/python3';
const exe = (path: string) => realpathSync(path);

const answered = (collector: Collector, name: string, count = 1) =>
  until(`${count} answers for ${name}`, () => {
    const events = dnsIn(collector.lines()).filter((event) => event.name === name && event.addrs);
    return events.length >= count && events;
  });

/** Runs a command and returns its process ID with its output. */
async function run(net: Net, command: string[]): Promise<{ pid: number; output: string }> {
  const child = net.spawn(command, ['ignore', 'pipe', 'inherit']);
  let output = '';
  child.stdout?.on('data', (data) => {
    output += data;
  });
  await once(child, 'close');
  return { pid: child.pid as number, output };
}

const who = ({ pid, tid, comm, pcomm, exe: path, uid }: Dns) => ({ pid, tid, comm, pcomm, exe: path, uid });

live('the C library in the first thread, and in another thread', async (net) => {
  await responder(net, { 'a.test': { A: '192.0.2.1' }, 'b.test': { A: '192.0.2.1' } });
  const collector = await seeing(net);
  const conf = 'nameserver 127.0.0.1\n';
  const one = await run(net, withResolver(conf, 'getent', 'ahosts', 'a.test'));
  const [a] = await answered(collector, 'a.test');
  const getent = { comm: 'getent', pcomm: 'getent', exe: exe('/usr/bin/getent'), uid: 0 };
  assert.deepEqual(who(a as Dns), { pid: one.pid, tid: one.pid, ...getent });
  const other = await run(net, withResolver(conf, python, asker, 'thread', 'b.test'));
  const [b] = await answered(collector, 'b.test');
  assert.equal(b?.pid, other.pid);
  assert.equal(b?.tid, Number(other.output));
  assert.notEqual(b?.tid, b?.pid);
  assert.equal(b?.exe, exe(python));
  const cgroup = readFileSync('/proc/self/cgroup', 'utf8').match(/^0::/m);
  assert.equal(b?.cgroup !== undefined, cgroup !== null);
});

live('curl; Node with the C library and with c-ares; dig over TCP', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  const script = "require('node:dns')[process.argv[1]](process.argv[2], () => {})";
  const names = [1, 2, 3, 4].map((i) => `n${i}.each.example.test`) as [string, string, string, string];
  const node = (way: string, name: string) => [process.execPath, '-e', script, way, name];
  const commands: [string, string[]][] = [
    [names[0], ['curl', '-s', '-4', '--max-time', '5', `http://${names[0]}:9/`]],
    [names[1], node('lookup', names[1])],
    [names[2], node('resolve4', names[2])],
    [names[3], ['dig', '+tcp', '@127.0.0.1', names[3]]],
  ];
  for (const [name, command] of commands) {
    const { pid } = await run(net, withResolver('nameserver 127.0.0.1\n', ...command));
    const [event] = await answered(collector, name);
    assert.equal(event?.pid, pid, command.join(' '));
    assert.equal(event?.exe, exe(command[0] === process.execPath ? process.execPath : `/usr/bin/${command[0]}`));
  }
  const { lines } = await collector.stop();
  const [curl] = outcomes(lines).filter(({ comm }) => comm === 'curl');
  assert.equal(curl?.pid, dnsIn(lines).find(({ name }) => name === names[0])?.pid);
});

live('sockets without a connection, and sockets that were handed on', async (net) => {
  await responder(net, { '*': { A: '192.0.2.1' } });
  const collector = await seeing(net);
  const one = await run(net, [python, asker, 'sendto', 'sendto.test']);
  assert.equal((await answered(collector, 'sendto.test'))[0]?.pid, one.pid);
  // the process that sends this query
  const two = await run(net, [python, asker, 'handed-sendto', 'handed.test']);
  const pids = (await answered(collector, 'handed.test', 2)).map(({ pid }) => pid);
  assert.deepEqual(pids, [two.pid, Number(two.output)]);
  // for a connected socket, the process that connected it
  const three = await run(net, [python, asker, 'handed-connected', 'connected.test']);
  assert.equal((await answered(collector, 'connected.test'))[0]?.pid, three.pid);
});

live('a stub resolver: the query to it names the program, the query to the server names the stub', async (net) => {
  await responder(net, { 'a.test': { A: '192.0.2.1' } }, '127.0.0.9');
  const stub = await responder(net, { '*': { forward: '127.0.0.9' } });
  const collector = await seeing(net);
  const { pid } = await run(net, withResolver('nameserver 127.0.0.1\n', 'getent', 'ahosts', 'a.test'));
  const events = await answered(collector, 'a.test', 2);
  const by = Object.fromEntries(events.map((event) => [event.server, event.pid]));
  assert.deepEqual(by, { '127.0.0.1': pid, '127.0.0.9': stub });
});

live('a socket opened before the start has no process', async (net) => {
  await responder(net, { '*': { A: '192.0.2.1' } });
  const child = net.spawn([python, asker, 'before', 'before.test'], ['pipe', 'pipe', 'inherit']);
  await once(child.stdout as NodeJS.ReadableStream, 'data');
  const collector = await seeing(net);
  child.stdin?.end('\n');
  const [event] = await answered(collector, 'before.test');
  assert.deepEqual(Object.keys(event as Dns).slice(3, 7), ['ts', 'netns', 'name', 'qtype']);
});

live('in a PID namespace, the look-up and the attempt have nspid', async (net) => {
  await nameserver(net);
  const collector = await seeing(net);
  const curl = ['curl', '-s', '-4', '--max-time', '5', 'http://one.example.test:9/'];
  // starts one more process first, so that curl is not process 1
  net.run(
    ...withResolver('nameserver 127.0.0.1\n', 'unshare', '-pf', 'sh', '-c', 'true & wait; "$@"; true', 'sh', ...curl),
  );
  resolving(net, 'getent', 'ahosts', 'www.example.test');
  const { lines } = await collector.stop();
  const [attempt] = outcomes(lines).filter(({ comm }) => comm === 'curl');
  const [inside] = dnsIn(lines).filter(({ name }) => name === 'one.example.test');
  assert.ok(attempt?.nspid && attempt.nspid < 20 && attempt.nspid !== attempt.pid, `${attempt?.nspid}`);
  assert.deepEqual([inside?.pid, inside?.nspid], [attempt.pid, attempt.nspid]);
  const [outside] = dnsIn(lines).filter(({ name }) => name === 'www.example.test');
  assert.ok(outside?.pid);
  assert.equal(outside.nspid, undefined);
});
