import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OutputBuffer } from '../../../../schemas/pipe/stage/output-buffer.js';

test('holds bytes and text in order, each followed by a newline', () => {
  const line = fc.oneof(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 50 }));
  fc.assert(
    fc.property(fc.array(fc.array(line)), (rounds) => {
      const output = new OutputBuffer();
      for (const lines of rounds) {
        for (const one of lines) {
          if (typeof one === 'string') output.text(one);
          else output.bytes(Buffer.concat([Buffer.from('<'), one, Buffer.from('>')]), 1, 1 + one.length);
        }
        assert.equal(output.lines, lines.length);
        const wanted = Buffer.concat(lines.flatMap((one) => [Buffer.from(one as string), Buffer.from('\n')]));
        assert.equal(output.length, wanted.length);
        assert.deepEqual(Buffer.from(output.take()), wanted);
        assert.equal(output.length + output.lines, 0);
      }
    }),
  );
});

test('counts the bytes of a text, not its characters', () => {
  const output = new OutputBuffer();
  const text = '€'.repeat(60_000); // its characters would fit, its bytes do not
  output.text(text);
  assert.equal(output.take().toString(), `${text}\n`);
});

test('grows for anything larger than its room', () => {
  const output = new OutputBuffer();
  const large = Buffer.alloc(3_000_000, 'x');
  output.text('a');
  output.bytes(large, 0, large.length);
  output.text('€'.repeat(100_000));
  assert.equal(output.take().toString(), `a\n${large}\n${'€'.repeat(100_000)}\n`);
});
