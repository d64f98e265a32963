import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Output } from '../../../schemas/pipe/stage/stage.js';
import { Appender } from '../../../transforms/enrich/append.js';

test('inserts fields before the closing brace, whatever whitespace follows it', () => {
  const bytes = fc.uint8Array({ maxLength: 80, size: 'max' }).map((all) => Buffer.from(all));
  const blanks = fc.string({ unit: fc.constantFrom(' ', '\t', '\r'), maxLength: 3 });
  const part = fc.record({ head: bytes, blanks, fields: bytes });
  const appender = new Appender();
  const written: Buffer[] = [];
  const out = {
    bytes: (buffer: Buffer, start: number, end: number) => written.push(Buffer.from(buffer.subarray(start, end))),
  } as unknown as Output;
  fc.assert(
    fc.property(part, ({ head, blanks, fields }) => {
      const line = Buffer.from(`<${head.toString('latin1')}}${blanks}>`, 'latin1');
      const more = Buffer.concat([Buffer.from('('), fields, Buffer.from(')')]);
      appender.append(out, line, 1, line.length - 1, more, 1, more.length - 1);
      assert.deepEqual(written.pop(), Buffer.concat([head, fields, Buffer.from(`}${blanks}`)]));
    }),
  );
  const large = Buffer.alloc(10_000, 'x');
  appender.append(out, Buffer.from('{"a":1}'), 0, 7, large);
  assert.equal(String(written.pop()), `{"a":1${large}}`);
});
