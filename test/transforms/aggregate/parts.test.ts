import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bucketOf, quantile } from '../../../schemas/sketch.js';
import { writeAddress } from '../../../transforms/aggregate/address.js';
import { KeyBytes } from '../../../transforms/aggregate/bytes.js';
import { Cells } from '../../../transforms/aggregate/cells.js';
import { hash } from '../../../transforms/aggregate/hash.js';
import { covers, fields, fieldsText } from '../../../transforms/aggregate/key.js';
import { decode, distinct, encode, register } from '../../../transforms/aggregate/sketch.js';
import { Table } from '../../../transforms/aggregate/table.js';
import { duration, durationText, parseTime, timeText } from '../../../transforms/aggregate/time.js';
import { random } from '../../support/generate.js';

test('times match Date, to the microsecond and back', () => {
  const ms = fc.integer({ min: Date.UTC(1685, 0), max: Date.UTC(2255, 0) });
  fc.assert(
    fc.property(ms, fc.nat(999), (ms, us) => {
      const text = `${new Date(ms).toISOString().slice(0, -1)}${String(us).padStart(3, '0')}Z`;
      assert.equal(parseTime(Buffer.from(text), 0), ms * 1000 + us);
      assert.equal(timeText(ms * 1000 + us), text);
    }),
  );
});

test('durations', () => {
  assert.equal(duration('10s'), 10e6);
  assert.equal(duration('500ms'), 5e5);
  for (const text of ['1us', '90s', '2m', '25h', '7d']) assert.equal(durationText(duration(text)), text);
  for (const text of ['10', '1.5']) assert.equal(duration(text), duration(`${text}s`));
  for (const text of ['', 's', '-1s', '1w', '99999999999d']) assert.throws(() => duration(text), /use a time/);
});

const address = (text: string, v4 = 32, v6 = 128) => {
  const into = Buffer.alloc(64);
  return into.toString('latin1', 0, writeAddress(Buffer.from(text), 0, text.length, into, 0, v4, v6));
};

test('addresses have one spelling, that of RFC 5952; the URL parser agrees', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV6(), fc.ipV4()), (text) => {
      const url = new URL(text.includes(':') ? `http://[${text}]/` : `http://${text}/`).hostname.replace(/[[\]]/g, '');
      const mapped = /^::ffff:([0-9a-f]+):([0-9a-f]+)$/.exec(url);
      const wanted = mapped
        ? mapped
            .slice(1)
            .flatMap((part) => [Number.parseInt(part, 16) >> 8, Number.parseInt(part, 16) & 255])
            .join('.')
        : url;
      assert.equal(address(text), wanted);
    }),
    { numRuns: 2_000 },
  );
  assert.equal(address('2001:DB8:0:0:1:0:0:0'), '2001:db8:0:0:1::');
  assert.equal(address('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(address('0:0:0:0:0:0:0:0'), '::');
  assert.equal(address('1:2:3:4:5:6:7::'), '1:2:3:4:5:6:7:0');
});

test('addresses: networks', () => {
  assert.equal(address('192.0.2.77', 24), '192.0.2.0/24');
  assert.equal(address('192.0.2.77', 0), '0.0.0.0/0');
  assert.equal(address('255.255.255.255', 31), '255.255.255.254/31');
  assert.equal(address('2001:db8:1:2:3::7', 24, 64), '2001:db8:1:2::/64');
  assert.equal(address('2001:db8:ffff::', 24, 40), '2001:db8:ff00::/40');
  assert.equal(address('2001:db8::7', 24), '2001:db8::7');
  assert.equal(address('::ffff:192.0.2.1', 24, 64), '192.0.2.0/24');
});

test('fields: read and written', () => {
  assert.equal(fieldsText(fields('comm, daddr/24,ts:60s')), 'comm,daddr/24/64,ts:1m');
  assert.equal(fieldsText(fields('daddr/32/48')), 'daddr/32/48');
  for (const text of ['', 'a,', 'ts', 'ts/3', 'ts:0s', 'comm/3', 'comm:3s', 'daddr/33', 'daddr/24/129', 'a,a', 'a b']) {
    assert.throws(() => fields(text), text);
  }
  const says = (mine: string, theirs: string) => covers(fields(mine), fields(theirs), 0, 60e6);
  assert.ok(says('daddr/16', 'comm,daddr/24'));
  assert.ok(says('ts:1m', 'comm'));
  assert.ok(!says('ts:30s', 'comm'));
  assert.ok(!says('daddr', 'daddr/24'));
  assert.ok(!says('dport', 'comm'));
});

test('hash: MurmurHash3, with its published values', () => {
  const of = (text: string, seed: number) => hash(Buffer.from(text), 0, text.length, seed);
  assert.equal(of('', 0), 0);
  assert.equal(of('', 1), 0x514e28b7);
  assert.equal(of('test', 0x9747b28c), 0x704b81dc);
  assert.equal(of('Hello, world!', 0x9747b28c), 0x24884cba);
  assert.equal(of('The quick brown fox jumps over the lazy dog', 0x9747b28c), 0x2fa826cd);
});

function keyOf(text: string): KeyBytes {
  const key = new KeyBytes();
  const bytes = Buffer.from(text);
  key.need(bytes.length);
  key.copy(bytes, 0, bytes.length);
  key.pad();
  return key;
}

test('table: behaves like a Map while it grows', () => {
  const keys = fc.array(fc.string({ maxLength: 4 }), { maxLength: 3_000, size: 'max' });
  fc.assert(
    fc.property(keys, (keys) => {
      const table = new Table({ columns: ['sum', 'min', 'max'], sketches: [] });
      const map = new Map<string, number[]>();
      for (const [i, key] of keys.entries()) {
        const row = table.row(keyOf(key));
        table.add(row, 0, 1);
        table.setMin(row, 1, i);
        table.setMax(row, 2, i);
        const [count = 0, first = i] = map.get(key) ?? [];
        map.set(key, [count + 1, first, i]);
      }
      assert.equal(table.rows, map.size + 1);
      [...map].forEach(([key, numbers], at) => {
        const { bytes, start, end } = table.key(at + 1); // in order of insertion
        assert.equal(Buffer.from(bytes.subarray(start, end)).toString(), key);
        assert.deepEqual(
          [0, 1, 2].map((column) => table.get(at + 1, column)),
          numbers,
        );
      });
    }),
    { numRuns: 30 },
  );
});

test('cells: each row has its own, sorted', () => {
  const cell = fc.tuple(fc.nat(50), fc.nat(Cells.slots - 1), fc.integer({ min: 1, max: 9 }));
  fc.assert(
    fc.property(fc.array(cell, { maxLength: 2_000, size: 'max' }), fc.boolean(), (all, max) => {
      const cells = new Cells(max);
      const model = new Map<string, number>();
      for (const [row, slot, value] of all) {
        cells.add(row, slot, value);
        const before = model.get(`${row} ${slot}`) ?? 0;
        model.set(`${row} ${slot}`, max ? Math.max(before, value) : before + value);
      }
      let count = 0;
      for (let row = 0; row <= 50; row++) {
        const { length, slots, values } = cells.of(row, 51);
        for (let i = 0; i < length; i++) {
          assert.equal(values[i], model.get(`${row} ${slots[i]}`));
          if (i > 0) assert.ok((slots[i] as number) > (slots[i - 1] as number));
        }
        count += length;
      }
      assert.equal(count, model.size);
    }),
    { numRuns: 30 },
  );
});

test('sketches: written and read', () => {
  const slots = fc.uniqueArray(fc.nat(Cells.slots - 1), { maxLength: 300, size: 'max' });
  fc.assert(
    fc.property(slots, fc.maxSafeInteger(), (slots, more) => {
      const cells = new Cells(false);
      for (const slot of slots) cells.add(3, slot, slot + 1);
      const read: number[] = [];
      const text = encode(cells.of(3, 4), Math.abs(more));
      assert.equal(
        decode(text, (slot, value) => {
          assert.equal(value, slot + 1);
          read.push(slot);
        }),
        Math.abs(more),
      );
      assert.deepEqual(
        read,
        slots.sort((a, b) => a - b),
      );
    }),
  );
  for (const text of ['AA==', 'Ag==', 'AQ==', 'AQABgICAgIAB', 'Af////////////8='])
    assert.throws(() => decode(text, () => {}), /sketch/);
});

test('quantiles: within 1 % of the exact ones, whole numbers below 50 exact', () => {
  const value = fc.oneof(fc.nat(60), fc.nat(1e6), fc.maxSafeInteger().map(Math.abs));
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 300, size: 'max' }),
      fc.constantFrom(0, 0.5, 0.9, 0.99, 1),
      (values, q) => {
        const cells = new Cells(false);
        for (const value of values) cells.add(0, bucketOf(value), 1);
        const exact = values.sort((a, b) => a - b)[Math.floor(q * (values.length - 1))] as number;
        const got = quantile(cells.of(0, 1), q, values.length);
        assert.ok(Math.abs(got - exact) <= exact * 0.0100001, `${got} for ${exact}`);
        if (exact < 50) assert.equal(Math.round(got), exact);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('distinct: within five times its standard error of 1.6 %, exact while few', () => {
  const next = random(7);
  for (const count of [0, 1, 2, 10, 50, 100, 1_000, 5_000, 20_000, 100_000, 1_000_000]) {
    const cells = new Cells(true);
    for (let i = 0; i < count; i++) {
      const text = Buffer.from(`"10.${i >> 16}.${(i >> 8) & 255}.${i & 255}-${next()}"`);
      const { slot, rank } = register(text, text.length);
      cells.add(0, slot, rank);
    }
    const got = distinct(cells.of(0, 1));
    assert.ok(Math.abs(got - count) <= Math.max(count > 10 ? 1 : 0, count * 0.016 * 5), `${got} for ${count}`);
  }
});
