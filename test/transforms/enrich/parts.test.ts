import assert from 'node:assert/strict';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { BlockList, SocketAddress } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { cgroup2 } from '../../../schemas/pipe/io/machine.js';
import { databases } from '../../../transforms/enrich/databases.js';
import { addressBytes, block, isPrivate, reverseName } from '../../../transforms/enrich/ip.js';
import { NetworkMap } from '../../../transforms/enrich/network-map.js';
import { Queue } from '../../../transforms/enrich/queue.js';
import { serverAddress } from '../../../transforms/enrich/resolver.js';
import { dnsName, plainName } from '../../../transforms/enrich/text.js';
import { folder } from '../../support/process.js';

const address = fc.oneof(fc.ipV4(), fc.ipV6());

test('an address is parsed as Node parses it', () => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => {
      const bytes = addressBytes(text) as Uint8Array;
      const groups = Array.from({ length: bytes.length / 2 }, (_, i) =>
        (((bytes[2 * i] as number) << 8) | (bytes[2 * i + 1] as number)).toString(16),
      );
      const written = bytes.length === 4 ? `::ffff:${bytes.join('.')}` : groups.join(':');
      const plain = (one: string) => new SocketAddress({ address: one, family: 'ipv6' }).address;
      assert.equal(plain(written), plain(text));
    }),
  );
  assert.deepEqual(addressBytes('192.0.2.7'), Uint8Array.of(192, 0, 2, 7));
  assert.deepEqual(addressBytes('::ffff:192.0.2.7'), Uint8Array.of(192, 0, 2, 7));
  for (const no of ['', '192.0.2', '192.0.2.256', 'fe80::1%eth0', 'x', '::g'])
    assert.equal(addressBytes(no), undefined);
});

test('the name to ask for, by address', () => {
  assert.equal(reverseName(addressBytes('192.0.2.7') as Uint8Array), '7.2.0.192.in-addr.arpa');
  assert.equal(
    reverseName(addressBytes('2001:db8::567:89ab') as Uint8Array),
    'b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa',
  );
});

test('which addresses are private', () => {
  const yes =
    '10.1.2.3 172.31.0.1 192.168.0.1 127.0.0.53 169.254.1.1 100.64.0.1 100.127.255.255 0.0.0.0 ::1 :: fd00::1 fe80::1 ::ffff:10.0.0.1';
  const no =
    '9.255.255.255 11.0.0.0 172.32.0.1 192.169.0.1 100.63.0.1 100.128.0.0 8.8.8.8 2001:db8::7 ::2 fec0::1 ::ffff:8.8.8.8';
  for (const one of yes.split(' ')) assert.equal(isPrivate(addressBytes(one) as Uint8Array), true, one);
  for (const one of no.split(' ')) assert.equal(isPrivate(addressBytes(one) as Uint8Array), false, one);
});

test('names are printable and not too long', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 400, size: 'max' }), fc.boolean(), (text, escaped) => {
      const name = dnsName(text, escaped) ?? 'x';
      assert.match(name, /^[\x21-\x7e]{1,1024}$/);
      assert.equal(dnsName(name, true), name, 'escapes are not escaped again');
    }),
  );
  assert.equal(dnsName('Www.Example.COM.'), 'www.example.com');
  assert.equal(dnsName('a b\u001b[31m\xff\\'), 'a\\032b\\027[31m\\255\\\\');
  assert.equal(dnsName('.'), undefined);
  assert.equal(dnsName('x'.repeat(1025)), undefined);
  assert.equal(plainName('evil\u001b[31m'), 'evil\\x1b[31m');
});

test('the longest prefix wins, as when blocks are tried one by one', () => {
  const blocks = fc.array(fc.tuple(address, fc.nat(128)), { maxLength: 20, size: 'max' });
  fc.assert(
    fc.property(blocks, fc.array(address, { maxLength: 10 }), (all, others) => {
      const zones = new NetworkMap();
      const lists: { bits: number; size: number; list: BlockList; n: number }[] = [];
      for (const [n, [text, most]] of all.entries()) {
        const parsed = block(`${text}/${text.includes(':') ? most : most % 33}`);
        if (!parsed || (parsed.address.length === 4 && text.includes(':'))) continue;
        if (!zones.add(parsed.address, parsed.bits, { n })) continue;
        const list = new BlockList();
        list.addSubnet(text, parsed.bits, text.includes(':') ? 'ipv6' : 'ipv4');
        lists.push({ ...parsed, size: parsed.address.length, list, n });
      }
      for (const text of [...others, ...all.map(([one]) => one)]) {
        const bytes = addressBytes(text) as Uint8Array;
        if (bytes.length === 4 && text.includes(':')) continue;
        const family = bytes.length === 4 ? 'ipv4' : 'ipv6';
        const fit = lists.filter(({ size, list }) => size === bytes.length && list.check(text, family));
        const [best] = fit.sort((a, b) => b.bits - a.bits);
        assert.equal(zones.find(bytes)?.n, best?.n, text);
      }
    }),
  );
});

test('a queue keeps its order, and knows when it is full', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 5_000, size: 'max' }), (pushes) => {
      const queue = new Queue<{ bytes: Buffer; n: number }>(100, 1_000);
      const model: number[] = [];
      for (const [n, push] of pushes.entries()) {
        if (push) {
          queue.push({ bytes: Buffer.alloc(n % 40), n });
          model.push(n);
        } else if (model.length > 0) {
          queue.shift();
          model.shift();
        }
        assert.equal(queue.first?.n, model[0]);
        assert.equal(queue.length, model.length);
        const bytes = model.reduce((sum, one) => sum + (one % 40), 0);
        assert.equal(queue.full, model.length >= 100 || bytes >= 1_000);
      }
    }),
    { numRuns: 20 },
  );
});

test('a changed file is read again, and checked once a second', (t) => {
  const dir = folder(t);
  const path = join(dir, 'passwd');
  const { passwd } = databases(dir);
  assert.equal(passwd.check(0), false, 'no file');
  writeFileSync(path, 'root:x:0:0::/:/bin/sh\n');
  assert.equal(passwd.check(500), false, 'too soon');
  assert.equal(passwd.check(1_000), true);
  assert.equal(passwd.entries.get(0), 'root');
  writeFileSync(path, 'toor:x:0:0::/:/bin/sh\n');
  utimesSync(path, 1, 1);
  assert.equal(passwd.check(2_000), true);
  assert.equal(passwd.entries.get(0), 'toor');
  assert.equal(passwd.check(3_000), false);
  rmSync(path);
  assert.equal(passwd.check(4_000), true);
  assert.equal(passwd.entries.size, 0);
});

test('finds the cgroup v2 tree', () => {
  const v1 = '31 24 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu';
  assert.equal(
    cgroup2(`${v1}\n42 24 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw`),
    '/sys/fs/cgroup/unified',
  );
  assert.equal(cgroup2('42 24 0:38 / /a\\040b rw shared:9 - cgroup2 x rw'), '/a b');
  assert.equal(cgroup2(v1), undefined);
});

test('addresses of DNS servers', () => {
  const good = { '192.0.2.1': 53, '192.0.2.1:5353': 5353, '2001:db8::1': 53, '[2001:db8::1]:5353': 5353, '[::1]': 53 };
  for (const [text, port] of Object.entries(good)) assert.equal(serverAddress(text).port, port, text);
  assert.equal(serverAddress('[2001:db8::1]:5353').address, '2001:db8::1');
  for (const bad of ['', 'dns', '192.0.2.1:', '192.0.2.1:0', '192.0.2.1:65536', '[192.0.2.1]:53', '[::1', '::1]']) {
    assert.throws(() => serverAddress(bad), /use ADDRESS/, bad);
  }
});
