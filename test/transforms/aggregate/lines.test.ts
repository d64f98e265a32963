import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeyBytes } from '../../../transforms/aggregate/bytes.js';
import { fields } from '../../../transforms/aggregate/key.js';
import { Measures } from '../../../transforms/aggregate/measure.js';
import { Table } from '../../../transforms/aggregate/table.js';
import { SummaryWriter } from '../../../transforms/aggregate/write.js';

const part = fc.oneof(
  fc.constant(''), // the group lacks the field
  fc.string({ maxLength: 40, unit: 'binary' }).map((text) => JSON.stringify(text)),
  fc.nat().map(String),
);
const count = fc.oneof(
  fc.nat(12),
  fc.maxSafeInteger().map(Math.abs),
  fc.constantFrom(0, 9, 10, 2 ** 53, 1e21, 2 ** 53 - 1),
);

test('lines written together and one by one are the same bytes', () => {
  const measures = new Measures(['count']);
  let [atOnce, all] = [0, 0];
  fc.assert(
    fc.property(
      fc.constantFrom('comm', 'daddr,comm', 'team,dport,a.b', 'comm,daddr,dport,host,team'),
      fc.array(fc.tuple(fc.array(part, { minLength: 5, maxLength: 5 }), count, count, count), { maxLength: 40 }),
      fc.constantFrom('connect' as const, 'outcome' as const),
      (by, groups, counts) => {
        const table = new Table(measures.shape);
        const writer = new SummaryWriter(fields(by), measures);
        for (const [parts, connects, outcomes, pending] of groups) {
          const key = new KeyBytes();
          const bytes = Buffer.from(`${parts.slice(0, fields(by).length).join('\n')}\n`);
          key.need(bytes.length);
          key.copy(bytes, 0, bytes.length);
          key.pad();
          const row = table.row(key);
          table.set(row, 0, connects);
          table.set(row, 1, outcomes);
          table.set(row, 2, pending);
        }
        const window = { start: 0, end: 1e6, span: 1e6, counts };
        const rows = Uint32Array.from({ length: table.rows - 1 }, (_, i) => table.rows - 1 - i);
        const pieces = writer.pieces(window);
        assert.ok(pieces);
        for (let at = 0; at < rows.length; ) {
          const { buffer, ends } = table.lines(pieces, rows.subarray(at));
          let start = 0;
          for (const end of ends) {
            const { buffer: one, length } = writer.row(table, rows[at++] as number, window);
            assert.equal(buffer.toString('utf8', start, end), one.toString('utf8', 0, length));
            assert.equal(buffer[end], 10);
            start = end + 1;
          }
          atOnce += ends.length;
          if (ends.length < rows.length && at < rows.length) {
            const row = rows[at++] as number;
            assert.ok(
              Math.max(...[0, 1, 2].map((column) => table.get(row, column))) >= 2 ** 53,
              'this one could have been written together too',
            );
          }
        }
        all += rows.length;
      },
    ),
    { numRuns: 300 },
  );
  assert.ok(atOnce > all / 2, `${atOnce} of ${all}`);
});

test('more lines than fit at once, and one that does not fit at all', () => {
  const measures = new Measures(['count']);
  const table = new Table(measures.shape);
  const writer = new SummaryWriter(fields('comm'), measures);
  for (const [i, length] of [...Array.from({ length: 3000 }, () => 500), 300_000].entries()) {
    const bytes = Buffer.from(`${JSON.stringify(`${i} ${'x'.repeat(length)}`)}\n`);
    const key = new KeyBytes();
    key.need(bytes.length);
    key.copy(bytes, 0, bytes.length);
    key.pad();
    table.set(table.row(key), 1, 7);
  }
  const pieces = writer.pieces({ start: 0, end: 1e6, span: 1e6, counts: 'outcome' });
  assert.ok(pieces);
  const rows = Uint32Array.from({ length: table.rows - 1 }, (_, i) => i + 1);
  let at = 0;
  for (let written = -1; written !== 0; at += written) {
    const { buffer, ends } = table.lines(pieces, rows.subarray(at));
    written = ends.length;
    for (const [i, end] of ends.entries()) {
      const event = JSON.parse(buffer.toString('utf8', i === 0 ? 0 : (ends[i - 1] as number) + 1, end));
      assert.deepEqual([event.comm.split(' ')[0], event.count], [String(at + i), 7]);
    }
  }
  assert.equal(at, 3000);
});
