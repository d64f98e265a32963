import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { ScannedLines } from '../../../schemas/pipe/scan/scanned-lines.js';
import { WasmScanner } from '../../../schemas/pipe/scan/wasm.js';
import { GatherPlan } from '../../../transforms/aggregate/gather.js';
import { fields, Key } from '../../../transforms/aggregate/key.js';
import { parseTime } from '../../../transforms/aggregate/time.js';
import { aggregate } from '../../../transforms/aggregate.js';
import { connect } from '../../support/events.js';
import { generate } from '../../support/generate.js';
import { runStage } from '../../support/memory.js';

const two = (number: number) => String(number).padStart(2, '0');
const time = fc
  .tuple(
    fc.nat(9999),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 31 }),
    fc.nat(23),
    fc.nat(59),
    fc.nat(59),
    fc.nat(999_999),
  )
  .map(([year, month, day, hour, minute, second, us]) => {
    const date = `${String(year).padStart(4, '0')}-${two(month)}-${two(day)}`;
    return `${date}T${two(hour)}:${two(minute)}:${two(second)}.${String(us).padStart(6, '0')}Z`;
  });
const odd = [
  '::',
  '::1',
  '::ffff:a00:1',
  '2001:DB8::1',
  '2001:0db8::1',
  'fe80::',
  '1:2:3:4:5:6:7:8',
  '1::3:4:5:6:7:8',
  '::2:3',
];
const address = fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom(...odd, '0:0:1::', '1:0:0:2::3', 'a:b:c:d:e:f::'));
const event = fc
  .record(
    {
      ts: time,
      comm: fc.oneof(
        { weight: 5, arbitrary: fc.string({ maxLength: 15 }) },
        fc.string({ maxLength: 15, unit: 'binary' }),
      ),
      daddr: address,
      dport: fc.nat(65535),
      host: fc.string({ minLength: 1, maxLength: 30, size: 'max' }),
      name: fc.constantFrom('a.example', '::1', '10.0.0.1', '2001:DB8::1'),
    },
    { requiredKeys: ['ts', 'comm', 'daddr', 'dport'] },
  )
  .chain((event) =>
    fc
      .constantFrom({}, {}, {}, {}, {}, {}, { repeat: 2 }, { unknown: 1 }, { dest: 'mine' })
      .map((more) => JSON.stringify(connect({ ...event, ...more, family: event.daddr.includes(':') ? 6 : 4 }))),
  );

test('gather gives the same key and time as line by line, or nothing', () => {
  const known = 'comm,daddr,host,dport';
  const scanner = new WasmScanner(1 << 16, 64);
  const line = new Line();
  const ts = (text: string) => parseTime(Buffer.from((JSON.parse(text) as { ts: string }).ts), 0);
  let all = 0;
  fc.assert(
    fc.property(
      fc.array(event, { maxLength: 20, size: 'max' }),
      fc.constantFrom(known, `dest,${known}`, `comm,dest`, `${known},unknown`),
      fc.boolean(),
      (texts, by, repeats) => {
        const key = new Key(fields(by));
        const gather = new GatherPlan(by.split(','), { connect: 7 }, repeats);
        const length = scanner.buffer.write(texts.map((text) => `${text}\n`).join(''));
        const lines = scanner.scan(0, length);
        assert.equal(lines, texts.length);
        for (let first = 0; first < lines; first++) {
          const record = first * (scanner.table.length / 64);
          const gathered = gather.gather(new ScannedLines(scanner, record, lines - first));
          const { count } = gathered;
          for (let at = 0; at < count; at++) {
            const text = texts[first + at] as string;
            assert.equal(line.take(Buffer.from(text), 0, Buffer.byteLength(text)), undefined);
            key.read(line);
            const bytes = gathered.bytes(at, at + 1);
            assert.equal(bytes.readUInt32LE(0), key.length);
            assert.deepEqual(bytes.subarray(16, 16 + key.length), key.buffer.subarray(0, key.length));
            assert.deepEqual([gathered.tag(at), gathered.time(at)], [7, ts(text)]);
            assert.ok(repeats || !('repeat' in JSON.parse(text)));
          }
          all += count;
        }
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(all > 300, `${all} gathered`);
});

const given = [
  { by: 'comm,daddr,dport', measure: 'count' },
  { by: 'comm,daddr,dport' },
  { by: 'daddr,comm', every: '5s', grace: '1s', measure: 'count,latency,first,last,distinct:dport' },
  { by: 'comm,daddr', every: '10s', step: '2s', measure: 'count' },
  { by: 'comm,dest', measure: 'count,distinct:dest' },
  { by: 'daddr,dport', maxGroups: 100, measure: 'count,failed' }, // it keeps 8192 groups before it leaves some out
  { measure: 'count' },
] as const;

for (const options of given) {
  test(`many lines at once give the same as line by line: ${JSON.stringify(options)}`, async () => {
    const lines = [...generate({ count: 30_000, addresses: 12_000, seconds: 120 })];
    for (let at = 0; at < lines.length; at += 97) {
      const one = JSON.parse(lines[at] as string);
      if (at % 2 === 0) lines[at] = JSON.stringify({ ...one, repeat: 3 });
      else if (at % 3 === 0) lines[at] = 'no event';
      else if (at % 5 === 0) lines[at] = JSON.stringify(connect({ ts: one.ts, comm: one.comm }));
      else lines.splice(at, 1, ...lines.splice(Math.max(at - 5000, 0), 1)); // late
    }
    const bytes = Buffer.from(`${lines.join('\n')}\n`);
    const single = Object.assign(aggregate(options), { batch: undefined });
    const [many, one] = [await runStage(aggregate(options), [bytes], true), await runStage(single, [bytes], true)];
    assert.deepEqual(many.ledger, one.ledger);
    assert.equal(many.bad.length, one.bad.length);
    assert.equal(many.out.replace(/"ts":"[^"]*","stage"/g, ''), one.out.replace(/"ts":"[^"]*","stage"/g, ''));
    assert.ok(many.out.split('\n').length > 1);
  });
}
