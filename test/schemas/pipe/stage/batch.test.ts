import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Batch } from '../../../../schemas/pipe/stage/batch.js';

test('holds bytes and text in order, each followed by a newline', () => {
  const line = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 50 }));
  fc.assert(
    fc.property(fc.array(fc.array(line)), (rounds) => {
      const batch = new Batch();
      for (const lines of rounds) {
        for (const one of lines) {
          if (typeof one === 'string') batch.text(one);
          else batch.bytes(Buffer.concat([Buffer.from('<'), one, Buffer.from('>')]), 1, 1 + one.length);
        }
        assert.equal(batch.lines, lines.length);
        const wanted = Buffer.concat(lines.flatMap((one) => [Buffer.from(one as string), Buffer.from('\n')]));
        assert.equal(batch.length, wanted.length);
        assert.deepEqual(Buffer.from(batch.take()), wanted);
        assert.equal(batch.length + batch.lines, 0);
      }
    }),
  );
});

test('counts the bytes of a text, not its characters', () => {
  const batch = new Batch();
  const text = '€'.repeat(60_000); // its characters would fit, its bytes do not
  batch.text(text);
  assert.equal(batch.take().toString(), `${text}\n`);
});

test('grows for anything larger than its room', () => {
  const batch = new Batch();
  const large = Buffer.alloc(3_000_000, 'x');
  batch.text('a');
  batch.bytes(large, 0, large.length);
  batch.text('€'.repeat(100_000));
  assert.equal(batch.take().toString(), `a\n${large}\n${'€'.repeat(100_000)}\n`);
});

test('inserts fields before the closing brace, whatever whitespace follows it', () => {
  const bytes = fc.uint8Array({ maxLength: 80 }).map((all) => Buffer.from(all));
  const blanks = fc.string({ unit: fc.constantFrom(' ', '\t', '\r'), maxLength: 3 });
  const part = fc.record({ head: bytes, blanks, fields: bytes });
  fc.assert(
    fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
      const batch = new Batch();
      for (const { head, blanks, fields } of parts) {
        const line = Buffer.from(`<${head.toString('latin1')}}${blanks}>`, 'latin1');
        const more = Buffer.concat([Buffer.from('('), fields, Buffer.from(')')]);
        batch.extended(line, 1, line.length - 1, more, 1, more.length - 1);
      }
      const wanted = parts.flatMap(({ head, blanks, fields }) => [head, fields, Buffer.from(`}${blanks}\n`)]);
      assert.equal(batch.lines, parts.length);
      assert.deepEqual(Buffer.from(batch.take()), Buffer.concat(wanted));
    }),
  );
});
