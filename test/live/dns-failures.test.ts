/** Failed look-ups: each makes one event, and failures that are normal are marked or left out. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Dns } from '../../dist/index.js';
import { ndjson } from '../support/events.js';
import { shell } from '../support/shell.js';
import { dnsIn, inOrder, seeing } from './answers.js';
import { live } from './live.js';
import { type Rule, responder, withResolver } from './nameserver.js';
import type { Net } from './net.js';
import { until } from './wait.js';

const asker = ['/usr/bin/python3', new URL('asker.py', import.meta.url).pathname];
const v4 = { A: '192.0.2.1' };
const kubernetes = ['ns.svc.cluster.local', 'svc.cluster.local', 'cluster.local'];
const conf = 'nameserver 127.0.0.1\n';
const searching = `${conf}search ${kubernetes.join(' ')}\noptions ndots:5\n`;
/** Looks a name up with the C library, which asks for both families. */
const getent = (name: string, resolv = conf) => withResolver(resolv, 'getent', 'ahosts', name);

type Short = [name: string, qtype: string, error: string, more?: string | number];
/** The fields in which the events differ: `search`, or `attempts`. */
const short = ({ name, qtype, error, addrs, search, attempts }: Dns) =>
  [name, qtype, error ?? String(addrs), search ? 'search' : attempts].filter((one) => one !== undefined) as Short;

/** Runs the commands one after the other. Returns the events in the order in which the look-ups ended. */
async function seen(net: Net, rules: Record<string, Rule>, ...commands: string[][]): Promise<Dns[]> {
  await responder(net, rules);
  const collector = await seeing(net);
  for (const command of commands) await once(net.spawn(command, 'ignore'), 'exit');
  return inOrder(dnsIn((await collector.stop()).lines));
}
const sorted = (events: Dns[]) => events.map(short).sort((a, b) => (a.join() < b.join() ? -1 : 1));

live('response codes: one event for each family', async (net) => {
  const codes = { FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, RCODE11: 11 };
  const rules = Object.fromEntries(
    Object.entries(codes).map(([name, rcode]) => [`${name.toLowerCase()}.test`, { rcode }]),
  );
  const names = Object.keys(rules);
  const events = await seen(net, rules, ...names.map((name) => ['dig', '+tries=1', '@127.0.0.1', name]));
  assert.deepEqual(
    events.map(({ name, qtype, rcode, error }) => [name, qtype, rcode, error]),
    Object.keys(codes).map((code) => [`${code.toLowerCase()}.test`, 'A', code, code]),
  );
  for (const { pid, latency_us, server } of events)
    assert.ok(pid && latency_us !== undefined && server === '127.0.0.1');
});

live('NXDOMAIN with the C library: both families failed', async (net) => {
  assert.deepEqual(sorted(await seen(net, {}, getent('no.test'))), [
    ['no.test', 'A', 'NXDOMAIN'],
    ['no.test', 'AAAA', 'NXDOMAIN'],
  ]);
});

live(
  'no data for one family is not a failure; it is one if both lack data, or only that family is asked for',
  async (net) => {
    const rules = {
      'v4.test': v4,
      'v6.test': { AAAA: '2001:db8::1' },
      'none.test': {},
      'slow.test': { ...v4, delay: 400 },
    };
    const events = await seen(
      net,
      rules,
      ...Object.keys(rules).map((name) => getent(name)),
      ['host', 'v4.test', '127.0.0.1'],
      ['dig', '@127.0.0.1', 'AAAA', 'v4.test'],
    );
    assert.deepEqual(sorted(events), [
      ['none.test', 'A', 'NODATA'],
      ['none.test', 'AAAA', 'NODATA'],
      ['slow.test', 'A', '192.0.2.1'],
      ['v4.test', 'A', '192.0.2.1'],
      ['v4.test', 'A', '192.0.2.1'],
      ['v4.test', 'AAAA', 'NODATA'],
      ['v6.test', 'AAAA', '2001:db8::1'],
    ]);
  },
);

live('silence: one TIMEOUT, after 5 s', async (net) => {
  await responder(net, { 'silent.test': { silent: 99 } });
  const collector = await seeing(net);
  net.spawn(['dig', '+tries=1', '+time=9', '@127.0.0.1', 'silent.test'], 'ignore');
  const [event] = await until('the event', () => {
    const events = dnsIn(collector.lines());
    return events.length > 0 && events;
  });
  const { error, rcode, latency_us, attempts, server, addrs } = event as Dns;
  assert.deepEqual(
    { error, rcode, latency_us, attempts, server, addrs },
    {
      error: 'TIMEOUT',
      rcode: undefined,
      latency_us: 5_000_000,
      attempts: undefined,
      server: '127.0.0.1',
      addrs: undefined,
    },
  );
  assert.equal(dnsIn((await collector.stop()).lines).length, 1);
});

live('repeated queries: by the C library, by c-ares, with another ID', async (net) => {
  const options = `${conf}options timeout:1 attempts:3\n`;
  const script = "new (require('node:dns').Resolver)({ timeout: 300 }).resolve4('ares.test', () => {})";
  const rules = {
    'libc.test': { ...v4, silent: 1 },
    'ares.test': { ...v4, silent: 1 },
    'go.test': { ...v4, silent: 1 },
  };
  const events = await seen(
    net,
    rules,
    withResolver(options, 'python3', '-c', 'import socket; socket.getaddrinfo("libc.test", 80, socket.AF_INET)'),
    withResolver(conf, process.execPath, '-e', script),
    [...asker, 'again', 'go.test'],
  );
  assert.deepEqual(events.map(short), [
    ['libc.test', 'A', '192.0.2.1', 2],
    ['ares.test', 'A', '192.0.2.1', 2],
    ['go.test', 'A', '192.0.2.1', 2],
  ]);
  for (const { name, latency_us } of events) assert.ok((latency_us as number) > 250_000, `${name} ${latency_us}`);
});

live('an answer after the time-out makes an event too', async (net) => {
  const rules = { 'late.test': { ...v4, delay: 5500 } };
  const events = await seen(net, rules, ['dig', '+tries=1', '+time=9', '@127.0.0.1', 'late.test']);
  assert.deepEqual(events.map(short), [
    ['late.test', 'A', 'TIMEOUT'],
    ['late.test', 'A', '192.0.2.1'],
  ]);
  assert.ok((events[1]?.latency_us as number) > 5_400_000);
});

live('a truncated answer is one look-up if TCP follows, else a failure', async (net) => {
  const rules: Record<string, Rule> = { 'short.test': { truncated: true } };
  const events = await seen(net, rules, ['dig', '+ignore', '@127.0.0.1', 'short.test']);
  assert.deepEqual(events.map(short), [['short.test', 'A', 'TRUNCATED']]);
  assert.equal(events[0]?.rcode, 'NOERROR');
});

live('an error from one server and an answer from the next are one look-up', async (net) => {
  await responder(net, { '*': { rcode: 2 } }, '127.0.0.2');
  const two = 'nameserver 127.0.0.2\nnameserver 127.0.0.1\n';
  const events = await seen(
    net,
    { 'ok.test': v4, 'bad.test': { rcode: 2 }, 'go.test': v4 },
    withResolver(two, 'python3', '-c', 'import socket; socket.getaddrinfo("ok.test", 80, socket.AF_INET)'),
    [...asker, 'next', 'go.test', '127.0.0.2', '127.0.0.1'],
    [...asker, 'next', 'bad.test', '127.0.0.2', '127.0.0.1'],
  );
  assert.deepEqual(events.map(short), [
    ['ok.test', 'A', '192.0.2.1', 2],
    ['go.test', 'A', '192.0.2.1', 2],
    ['bad.test', 'A', 'SERVFAIL', 2],
  ]);
});

const failing = (name: string, search = true): Short[] =>
  kubernetes.flatMap((suffix) =>
    ['A', 'AAAA'].map((type): Short => [`${name}.${suffix}`, type, 'NXDOMAIN', ...(search ? ['search'] : [])] as Short),
  );

live('ndots:5 with three search domains: failures caused by the search list are marked', async (net) => {
  const inside = 'db.other.svc.cluster.local';
  const events = await seen(
    net,
    { 'api.example.test': v4, [inside]: v4 },
    getent('api.example.test', searching),
    getent('db.other', searching),
    getent('gone.example.test', searching),
  );
  const of = (start: string) => sorted(events.filter(({ name }) => name.startsWith(start)));
  assert.deepEqual(of('api'), [['api.example.test', 'A', '192.0.2.1'], ...failing('api.example.test')].sort());
  assert.deepEqual(of('db'), [
    ['db.other.ns.svc.cluster.local', 'A', 'NXDOMAIN', 'search'],
    ['db.other.ns.svc.cluster.local', 'AAAA', 'NXDOMAIN', 'search'],
    [inside, 'A', '192.0.2.1'],
  ]);
  const gone = ['A', 'AAAA'].map((type): Short => ['gone.example.test', type, 'NXDOMAIN']);
  assert.deepEqual(of('gone'), [...gone, ...failing('gone.example.test')].sort());
  const which =
    'filter --type dns --failed | aggregate --type dns --by pcomm,name,error | jq -c "[.pcomm, .name, .error, .failed]"';
  const { stdout, stderr } = await shell(which, '/', ndjson(...events));
  assert.deepEqual({ stdout, stderr }, { stdout: '["getent","gone.example.test","NXDOMAIN",2]\n', stderr: '' });
});

live('the same with queries as musl sends them: both families at once, to two servers, on one socket', async (net) => {
  const rules = { 'api.test': v4 };
  await responder(net, rules, '127.0.0.2');
  const events = await seen(net, rules, [...asker, 'parallel', 'api.test', '127.0.0.1', '127.0.0.2']);
  const of = events.map((event) => ({ ...event, attempts: undefined }) as unknown as Dns);
  assert.deepEqual(sorted(of), [['api.test', 'A', '192.0.2.1'], ...failing('api.test')].sort());
});

live('asking another server after an answer is still one look-up', async (net) => {
  const rules = { 'late.test': v4 };
  await responder(net, rules, '127.0.0.2');
  const of = (name: string) => [...asker, 'late', name, '127.0.0.1', '127.0.0.2'];
  const events = await seen(net, rules, of('late.test'), of('no.test'), [...asker, 'names', 'late.test', 'late.test']);
  assert.deepEqual(events.map(short), [
    ['late.test', 'A', '192.0.2.1'],
    ['no.test', 'A', 'NXDOMAIN'],
    ['late.test', 'A', '192.0.2.1'],
    ['late.test', 'A', '192.0.2.1'],
  ]);
});

live('an answer to one process hides no failure of another', async (net) => {
  const events = await seen(net, { 'v4.test': v4 }, [...asker, 'children', 'v4.test']);
  assert.deepEqual(
    events.map(short),
    Array.from({ length: 16 }, (_, i) => (i % 2 ? ['v4.test', 'AAAA', 'NODATA'] : ['v4.test', 'A', '192.0.2.1'])),
  );
});

live('names that are alike by chance are not marked', async (net) => {
  const events = await seen(
    net,
    { 'www.b.test': v4, 'a.test': v4 },
    [...asker, 'names', 'www.a.test', 'www.b.test'],
    [...asker, 'names', 'b.test', 'a.test'],
  );
  assert.deepEqual(events.map(short), [
    ['www.a.test', 'A', 'NXDOMAIN'],
    ['www.b.test', 'A', '192.0.2.1'],
    ['b.test', 'A', 'NXDOMAIN'],
    ['a.test', 'A', '192.0.2.1'],
  ]);
});
