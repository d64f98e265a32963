import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../../schemas/pipe/messages/errors.js';
import { addresses, names, numbers } from '../../../schemas/where/match.js';

test('numbers: lists and ranges match by plain arithmetic', () => {
  const max = 300;
  const range = fc.tuple(fc.nat(max), fc.nat(max)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
  fc.assert(
    fc.property(fc.array(range, { minLength: 1, maxLength: 5 }), fc.nat(max), (ranges, value) => {
      const text = ranges.map(([a, b]) => (a === b ? `${a}` : `${a}-${b}`)).join(',');
      assert.equal(
        numbers(0, max)(text)(value),
        ranges.some(([a, b]) => a <= value && value <= b),
      );
    }),
  );
  assert.equal(numbers(0, max)('0-300')(undefined), false);
  assert.equal(numbers(0, max)('0-300')('1'), false);
});

/** An address as a 128-bit number, with IPv4 as IPv4-mapped IPv6. */
function bits(text: string): bigint {
  if (!text.includes(':'))
    return 0xffff00000000n + text.split('.').reduce((all, byte) => (all << 8n) + BigInt(byte), 0n);
  const [, front = '', v4] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text) ?? [];
  if (v4) {
    const low = bits(v4) & 0xffffffffn;
    return bits(`${front}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`);
  }
  const [head = [], tail = []] = text.split('::').map((half) => half.split(':').filter((group) => group !== ''));
  const zeros = text.includes('::') ? Array(8 - head.length - tail.length).fill('0') : [];
  return [...head, ...zeros, ...tail].reduce((all, group) => (all << 16n) + BigInt(`0x${group}`), 0n);
}

function within(address: string, network: string, prefix: number): boolean {
  const mapped = bits(network) >> 32n === 0xffffn && prefix >= 96;
  if (network.includes(':') && !address.includes(':') && !mapped) return false; // ::/0 contains no IPv4
  const most = network.includes(':') ? 128 : 32;
  const shift = BigInt(most - prefix);
  return bits(address) >> shift === bits(network) >> shift;
}

/** An address that shares its first bits with another, so that both verdicts occur. */
function near(address: fc.Arbitrary<string>): fc.Arbitrary<{ network: string; prefix: number; probe: string }> {
  return address.chain((network) => {
    const width = network.includes(':') ? 128 : 32;
    const probe = fc.tuple(fc.nat(width - 1), fc.boolean()).map(([bit, same]) => {
      const flipped = bits(network) ^ (same ? 0n : 1n << BigInt(bit));
      return width === 32 ? v4(flipped & 0xffffffffn) : v6(flipped);
    });
    return fc.record({
      network: fc.constant(network),
      prefix: fc.nat(width),
      probe: fc.oneof(probe, fc.ipV4(), fc.ipV6()),
    });
  });
}
const v4 = (n: bigint) => [24n, 16n, 8n, 0n].map((shift) => (n >> shift) & 255n).join('.');
const v6 = (n: bigint) =>
  Array.from({ length: 8 }, (_, i) => ((n >> BigInt(112 - 16 * i)) & 0xffffn).toString(16)).join(':');

test('addresses: CIDR blocks of both families match by plain arithmetic', () => {
  const mapped = fc.ipV4().map((text) => `::ffff:${text}`);
  fc.assert(
    fc.property(near(fc.oneof(fc.ipV4(), fc.ipV6(), mapped)), ({ network, prefix, probe }) => {
      assert.equal(
        addresses(`${network}/${prefix}`)(probe),
        within(probe, network, prefix),
        `${probe} in ${network}/${prefix}`,
      );
    }),
    { numRuns: 3000 },
  );
});

test('addresses: matches any in a list, and only texts', () => {
  const test = addresses('10.0.0.0/8, ::1,192.0.2.7');
  for (const yes of ['10.255.0.1', '::1', '192.0.2.7', '0:0:0:0:0:0:0:1', '::ffff:10.0.0.1']) assert.ok(test(yes), yes);
  for (const no of ['11.0.0.0', '::2', '192.0.2.8', undefined, 10]) assert.ok(!test(no), String(no));
});

test('names: a text without special characters matches only itself', () => {
  const plain = fc.string({ unit: 'binary' }).filter((text) => !/[*?[,]|^\/.*\/i?$/s.test(text));
  fc.assert(
    fc.property(plain, plain, (text, other) => {
      assert.ok(names(text)(text));
      assert.equal(names(text)(other), text === other);
      assert.ok(names(`*${text}`)(`${other}${text}`) && names(`${text}*`)(`${text}${other}`));
      assert.ok(names(`?${text}`)(`😀${text}`) && !names(`?${text}`)(text));
    }),
  );
});

test('names: a list matches if one of its globs or regular expressions does', () => {
  const cases: [string, string[], string[]][] = [
    ['curl,node', ['curl', 'node'], ['curl,node', 'nod']],
    ['kube*, node', ['kubelet', 'node'], [' node', 'kub']],
    ['a\\,b,c', ['a,b', 'c'], ['a', 'b']],
    ['[a,b]x,/^c,+d$/i', ['ax', ',x', 'C,,D'], ['c', 'cx', '/^c,+d$/i']],
    ['/^a$/,/^b$/', ['a', 'b'], ['ab', '/^a$/']],
    ['', [''], ['a']],
  ];
  for (const [list, yes, no] of cases) {
    for (const name of yes) assert.ok(names(list)(name), `${list} is for ${name}`);
    for (const name of no) assert.ok(!names(list)(name), `${list} is not for ${name}`);
  }
});

test('names: brackets match sets and ranges', () => {
  const cases: [string, string[], string[]][] = [
    ['[abc]', ['a', 'c'], ['d', '', 'ab', '[abc]']],
    ['[a-c]x', ['ax', 'bx'], ['dx', '-x']],
    ['[!a-c]', ['d', 'é', '😀'], ['a', '']],
    ['[^a]', ['^', 'a'], ['b']],
    ['[\\d]', ['\\', 'd'], ['1']],
    ['[[]', ['['], [']']],
    ['[a', ['[a'], ['a']],
    ['[]', ['[]'], ['']],
    ['a.b', ['a.b'], ['axb']],
    ['(a|b)+$', ['(a|b)+$'], ['a']],
  ];
  for (const [glob, yes, no] of cases) {
    for (const name of yes) assert.ok(names(glob)(name), `${glob} is for ${name}`);
    for (const name of no) assert.ok(!names(glob)(name), `${glob} is not for ${name}`);
  }
});

test('any text is a pattern for names, or a usage error', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('[', ']', '!', '-', '\\', '/', 'a', 'z', '*', '^', '{') }),
  );
  fc.assert(
    fc.property(text, fc.string(), (wanted, name) => {
      try {
        assert.equal(typeof names(wanted)(name), 'boolean');
      } catch (error) {
        assert.ok(error instanceof UsageError, `${wanted}: ${error}`);
      }
    }),
    { numRuns: 2000 },
  );
});
