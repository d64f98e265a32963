import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { ready } from '../../../schemas/pipe/terminal/shorten.js';
import { AsciiRow } from '../../../sinks/table/ascii.js';
import { attemptColumns, columnNames, makeColumns } from '../../../sinks/table/fields.js';
import { growing } from '../../../sinks/table/layout.js';
import { rows, type TableOptions } from '../../../sinks/table/rows.js';
import { anyEvent, anyLine } from '../../support/arbitrary.js';
import { connect, ndjson } from '../../support/events.js';
import { generate } from '../../support/generate.js';
import { runStage } from '../../support/memory.js';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url));
const recording = read('collector/replay/sample.ndjson');
const types = ['connect', 'outcome', 'pending', 'closed', 'open', 'dns'];
const options: TableOptions[] = [
  ...[{}, { types: ['outcome'] }, { types: ['connect'] }, { types }, { types, utc: true, wide: true }],
  ...[{ columns: ['time', 'dest', 'result'] }, { types, columns: columnNames }],
];

/** Compares rows with those that are formatted as text, which `print` needs. */
async function isSame(input: Buffer, options: TableOptions): Promise<void> {
  const lines: string[] = [];
  const asText = await runStage(rows({ ...options, print: (line) => void lines.push(`${line}\n`) }), [input]);
  const asBytes = await runStage(rows(options), [input]);
  assert.equal(asBytes.out, lines.join(''));
  assert.deepEqual(asBytes.ledger, asText.ledger);
}

test('rows are the same as bytes and as text: a recording, and generated attempts', async () => {
  for (const one of options) {
    await isSame(recording, one);
    await isSame(read('test/support/recorded.ndjson'), one);
    for (const type of ['connect', 'outcome'] as const)
      await isSame(Buffer.from([...generate({ count: 2000, seconds: 5, type }), ''].join('\n')), one);
  }
});

test('rows are the same as bytes and as text: any lines', async () => {
  await ready(['日本']); // measures all widths in the same way, from the first line on
  const odd = fc.constantFrom(' µ ', '日本', 'a\u0301', '\u202e', '"', '\\', 'tab\t', 'x'.repeat(70), '', 'é');
  const attempt = fc.record({ comm: odd, pcomm: odd, name: odd }, { requiredKeys: ['comm'] });
  const own = attempt.chain((more) =>
    fc
      .constantFrom({}, { name_ambiguous: true }, { pcomm: 5 }, { team: 1 })
      .map((other) => JSON.stringify(connect({ ...more, ...other } as never))),
  );
  const lines = fc.array(
    fc.oneof(
      anyLine,
      own,
      anyEvent.map((event) => JSON.stringify(event)),
    ),
    { maxLength: 60, size: 'max' },
  );
  await fc.assert(
    fc.asyncProperty(lines, fc.constantFrom(...options), async (lines, options) => {
      await isSame(Buffer.from([...lines, ''].join('\n')), options);
    }),
    { numRuns: 100 },
  );
});

test('an attempt that began before the year 0 has a row', async () => {
  const event = {
    ...connect({ ts: '0000-01-01T00:00:00.000000Z' }),
    type: 'outcome',
    result: 'established',
    latency_us: 1e9,
  };
  const { out } = await runStage(rows({ utc: true }), [Buffer.from(ndjson(event))]);
  assert.match(out, /^0000-01-01 00:00:00 /m);
});

test('a usual row is formatted as bytes, one with another character is not', () => {
  const row = new AsciiRow();
  const placed = growing(attemptColumns((ts) => ts.slice(11, 19), false));
  const line = new Line();
  const format = (event: object) => {
    const bytes = Buffer.from(JSON.stringify(event));
    assert.equal(line.take(bytes, 0, bytes.length), undefined);
    return row.format(placed, line) && row.bytes.toString('utf8', 0, row.length);
  };
  const outcome = { ...connect(), type: 'outcome', result: 'established', latency_us: 53 };
  assert.equal(
    format(outcome),
    '08:15:30 1234    curl            192.0.2.1                               443       53 µs established',
  );
  assert.equal(format({ ...outcome, comm: 'é' }), false);
  assert.equal(makeColumns(['pid'], String)[0]?.locate?.(line), true);
});
