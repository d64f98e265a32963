import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Resolver } from '../../../transforms/enrich/resolver.js';
import type { ServerAddress } from '../../../transforms/enrich/server.js';
import { list, SystemServers, serversOf } from '../../../transforms/enrich/system-servers.js';
import { connect, ndjson } from '../../support/events.js';
import { knotd } from '../../support/knot.js';
import { Network } from '../../support/network.js';
import { folder, start, until } from '../../support/process.js';
import { answer, responder } from '../../support/responder.js';

const soa = '@ 60 SOA ns.example. admin.example. 1 3600 600 3600 3600\n@ 60 NS ns.example.\n';

const inside = (net: Network, at: string, ...command: string[]) =>
  execFileSync('ip', [...net.in(at).slice(1), ...command], { encoding: 'utf8' });

/** Starts a real server in a namespace on port 53. It names each address of 192.0.2.0/24 after the namespace, and no other. */
async function nameserver(t: TestContext, net: Network, at: string): Promise<void> {
  const dir = folder(t);
  const zones = {
    '2.0.192.in-addr.arpa': `${soa}* 300 PTR ${at}.example.\n`,
    '100.51.198.in-addr.arpa': `${soa}${at === 'two' ? '* 300 PTR late.example.\n' : ''}`,
  };
  start(t, [...net.in(at), ...knotd({ dir, listen: ['0.0.0.0@53', '::@53'], zones })], dir, 'ignore');
  const listening = () => {
    const text = inside(net, at, 'ss', '-ulnH');
    return text.includes('0.0.0.0:53') && text.includes('[::]:53');
  };
  await until('knotd listens', listening);
}

/** `enrich` in a namespace, with its own /etc, fed event by event. */
class Client {
  readonly etc: string;
  readonly #dir: string;
  readonly #running;
  #asked = 0;

  constructor(t: TestContext, net: Network, resolvConf: string | undefined, options = '--timeout 300ms', before = '') {
    this.#dir = folder(t);
    this.etc = join(this.#dir, 'etc');
    mkdirSync(this.etc);
    if (resolvConf !== undefined) this.write(resolvConf);
    const enrich = `${before} exec enrich --with names --wait 30s ${options} --etc etc > out`;
    this.#running = start(t, [...net.in('client'), 'bash', '-c', enrich], this.#dir);
  }

  write(text: string): void {
    writeFileSync(join(this.etc, 'new'), text);
    renameSync(join(this.etc, 'new'), join(this.etc, 'resolv.conf'));
  }

  send(daddr: string): void {
    this.#asked++;
    this.#running.child.stdin?.write(ndjson(connect({ daddr })));
  }

  /** The names of all addresses sent so far. */
  async names(): Promise<unknown[]> {
    const lines = () =>
      (existsSync(join(this.#dir, 'out')) ? readFileSync(join(this.#dir, 'out'), 'utf8') : '').split('\n');
    await until('the events', () => lines().length > this.#asked);
    return lines()
      .slice(0, -1)
      .map((line) => JSON.parse(line).name);
  }

  async ask(daddr: string): Promise<unknown> {
    this.send(daddr);
    return (await this.names()).at(-1);
  }

  /** Asks for new addresses one after the other, until one has this name. */
  async askUntil(name: string | undefined): Promise<void> {
    let last: unknown = '';
    while (this.#asked < 250) {
      last = await this.ask(`192.0.2.${this.#asked}`);
      if (last === name) return;
      await sleep(100);
    }
    assert.fail(`${last}, not ${name}`);
  }

  signal(signal: NodeJS.Signals): void {
    this.#running.child.kill(signal);
  }

  async end(): Promise<string> {
    this.#running.child.stdin?.end();
    const { code, stderr } = await this.#running.ended;
    assert.equal(code, 0, stderr);
    return stderr;
  }
}

async function network(t: TestContext): Promise<Network> {
  const net = new Network(t, ['client', 'one', 'two', 'nobody']);
  await Promise.all(['one', 'two'].map((at) => nameserver(t, net, at)));
  return net;
}

const server = (net: Network, at: string) => `nameserver ${net.address(at)}\n`;

test('resolv.conf: filled after the start, changed, emptied, linked to another file', async (t) => {
  const net = await network(t);
  const client = new Client(t, net, '# nothing yet\n');
  assert.equal(await client.ask('192.0.2.254'), undefined);
  client.write(server(net, 'one'));
  await client.askUntil('one.example');
  client.write(`options timeout:1\n${server(net, 'two')}`);
  await client.askUntil('two.example');
  client.write('');
  await client.askUntil(undefined);
  writeFileSync(join(client.etc, 'a'), server(net, 'one'));
  writeFileSync(join(client.etc, 'b'), server(net, 'two'));
  rmSync(join(client.etc, 'resolv.conf'));
  symlinkSync('a', join(client.etc, 'resolv.conf'));
  await client.askUntil('one.example');
  symlinkSync('b', join(client.etc, 'link'));
  renameSync(join(client.etc, 'link'), join(client.etc, 'resolv.conf'));
  await client.askUntil('two.example');
  const [one, two] = [net.address('one'), net.address('two')];
  assert.deepEqual(
    (await client.end()).split('\n').filter((line) => line.includes('changed')),
    [one, two, '127.0.0.1', one, two].map((address) => `enrich: the DNS servers have changed: ${address}`),
  );
});

test('an address without a name is asked for again with new servers', async (t) => {
  const net = await network(t);
  const client = new Client(t, net, server(net, 'one'));
  assert.equal(await client.ask('198.51.100.1'), undefined);
  client.write(server(net, 'two'));
  await client.askUntil('two.example');
  assert.equal(await client.ask('198.51.100.1'), 'late.example');
  await client.end();
});

test('a look-up in progress when the servers change gets its name from the new ones', async (t) => {
  const net = await network(t);
  const client = new Client(t, net, server(net, 'nobody'), '--timeout 8s');
  client.send('192.0.2.1');
  await until('the look-up', () => inside(net, 'client', 'ss', '-uanH') !== '');
  await sleep(1_500); // so that the file is checked again
  client.write(server(net, 'two'));
  client.send('192.0.2.2');
  assert.deepEqual(await client.names(), ['two.example', 'two.example']);
  await client.end();
});

test('SIGHUP reads the file at once', async (t) => {
  const net = await network(t);
  const noTime = "NODE_OPTIONS='--import=data:text/javascript,performance.now=()=>1e6'"; // the next regular check never comes
  const client = new Client(t, net, server(net, 'one'), undefined, noTime);
  assert.equal(await client.ask('192.0.2.1'), 'one.example');
  client.write(server(net, 'two'));
  assert.equal(await client.ask('192.0.2.2'), 'one.example');
  client.signal('SIGHUP');
  await client.askUntil('two.example');
  await client.end();
});

test('a server on a link-local address with its zone, and a server without a route at first', async (t) => {
  const net = await network(t);
  const addresses = () => inside(net, 'one', 'ip', '-6', 'addr', 'show', 'link');
  await until('a link-local address', () => /fe80/.test(addresses()) && !/tentative/.test(addresses()));
  const [linkLocal] = /fe80::[0-9a-f:]+/.exec(addresses()) ?? [];
  const client = new Client(t, net, `nameserver ${linkLocal}%link\n`);
  await client.askUntil('one.example'); // the client's own address may be tentative
  await client.end();
  const ip = (...args: string[]) => inside(net, 'client', 'ip', ...args);
  ip('address', 'del', `${net.address('client')}/24`, 'dev', 'link');
  const other = new Client(t, net, server(net, 'one'));
  assert.equal(await other.ask('192.0.2.254'), undefined);
  ip('address', 'add', `${net.address('client')}/24`, 'dev', 'link');
  await other.askUntil('one.example');
  await other.end();
});

test('the servers of resolv.conf are those that the C library would use', () => {
  const addresses = (text: string) => serversOf(text).map(({ address }) => address);
  assert.deepEqual(addresses('nameserver 192.0.2.1\n nameserver\tfe80::1%eth0 # a comment\nnameserver 2001:db8::1;x'), [
    '192.0.2.1',
    'fe80::1%eth0',
    '2001:db8::1',
  ]);
  assert.deepEqual(addresses('nameserver 192.0.2.1\r\nsearch a\n'), ['192.0.2.1']);
  const no =
    '#nameserver 192.0.2.1\n; nameserver 192.0.2.2\nnameserver\nnameserver x\nnameservers 192.0.2.3\nxnameserver 1.2.3.4';
  assert.deepEqual(addresses(no), ['127.0.0.1']);
  assert.deepEqual(addresses(''), ['127.0.0.1']);
  assert.deepEqual(
    addresses([1, 1, 2, 3, 4].map((n) => `nameserver 192.0.2.${n}`).join('\n')),
    [1, 2, 3].map((n) => `192.0.2.${n}`),
  );
});

test('--etc without a resolv.conf uses that of /etc', (t) => {
  const dir = folder(t);
  assert.equal(list(new SystemServers(dir).servers), list(serversOf(readFileSync('/etc/resolv.conf', 'utf8'))));
  writeFileSync(join(dir, 'resolv.conf'), 'nameserver 192.0.2.9\n');
  assert.equal(list(new SystemServers(dir).servers), '192.0.2.9');
});

test('a server no longer in use still answers earlier queries', async (t) => {
  const [before, after] = [await responder(t), await responder(t)];
  let release = () => {};
  before.reply = async (query) => {
    await new Promise<void>((resolve) => {
      release = resolve;
    });
    return [answer(query, [{ data: 'before.example' }])];
  };
  after.reply = (query) => [answer(query, [{ data: 'after.example' }])];
  const at = ({ port }: { port: number }): ServerAddress[] => [{ address: '127.0.0.1', port }];
  let servers = at(before);
  const resolver = new Resolver(
    () => servers,
    20_000,
    () => {},
  );
  t.after(() => resolver.close());
  const first = resolver.ask('1.2.0.192.in-addr.arpa', 'PTR');
  await until('the query', () => before.asked === 1);
  servers = at(after);
  const second = await resolver.ask('2.2.0.192.in-addr.arpa', 'PTR');
  assert.deepEqual(second, { data: ['after.example'], ttl: 300 });
  release();
  assert.deepEqual(await first, { data: ['before.example'], ttl: 300 });
  assert.equal(after.asked, 1);
});
