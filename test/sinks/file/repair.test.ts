import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { repair } from '../../../sinks/file/repair.js';
import { connect, ndjson } from '../../support/events.js';

const dir = mkdtempSync(join(tmpdir(), 'synpipe-repair-'));
after(() => rmSync(dir, { recursive: true }));
const path = join(dir, 'out');
const torn = `${path}.torn`;

async function repaired(
  content: Buffer | string,
): Promise<{ result: string | undefined; file: string; torn?: string }> {
  rmSync(torn, { force: true });
  writeFileSync(path, content);
  const result = await repair(path, statSync(path).size);
  const file = readFileSync(path, 'latin1');
  return existsSync(torn) ? { result, file, torn: readFileSync(torn, 'latin1') } : { result, file };
}

const whole = ndjson(connect(), connect({ seq: 2 }));

test('leaves a file alone if it ends with a whole line', async () => {
  assert.deepEqual(await repaired(''), { result: undefined, file: '' });
  assert.deepEqual(await repaired(whole), { result: undefined, file: whole });
  assert.deepEqual(await repaired('whatever\n'), { result: undefined, file: 'whatever\n' });
});

test('adds the newline that a whole event lacks', async () => {
  const result = 'the last line had no newline; added it';
  assert.deepEqual(await repaired(whole.slice(0, -1)), { result, file: whole });
});

test('moves a torn tail of any length aside', async () => {
  for (const length of [1, 100, (1 << 16) - 1, 1 << 16, (1 << 16) + 1, 3_000_000]) {
    const tail = 'x'.repeat(length);
    const result = `the last line was torn; moved its ${length} bytes to ${torn}`;
    assert.deepEqual(await repaired(whole + tail), { result, file: whole, torn: `${tail}\n` });
    assert.deepEqual(await repaired(tail), { result, file: '', torn: `${tail}\n` });
  }
});

test('a file cut anywhere is whole lines afterwards, no byte is lost, and once is enough', async () => {
  const lines = ndjson(connect({ comm: 'é😀' }), { type: 'x' }, connect({ seq: 2 }));
  const bytes = Buffer.from(lines);
  const kept = [
    0,
    ...lines
      .split('\n')
      .slice(0, -1)
      .map((_, i, all) => Buffer.byteLength(all.slice(0, i + 1).join('\n')) + 1),
  ];
  await fc.assert(
    fc.asyncProperty(fc.nat(bytes.length), async (at) => {
      const { file, torn: aside = '' } = await repaired(bytes.subarray(0, at));
      const lacksNewline = kept.includes(at + 1);
      const end = lacksNewline ? at + 1 : Math.max(...kept.filter((offset) => offset <= at));
      assert.equal(file, bytes.toString('latin1', 0, end));
      assert.equal(aside, end >= at ? '' : `${bytes.toString('latin1', end, at)}\n`);
      assert.equal(await repair(path, statSync(path).size), undefined);
    }),
    { numRuns: 400 },
  );
});
