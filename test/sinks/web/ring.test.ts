import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ring } from '../../../dist/sinks/web/ring.js';

test('keeps the last lines, by their numbers', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(fc.string(), { maxLength: 60 }), (size, lines) => {
      const ring = new Ring(size);
      for (const line of lines) ring.add(Buffer.from(line));
      assert.equal(ring.next, lines.length);
      assert.equal(ring.first, Math.max(0, lines.length - size));
      for (const [i, line] of lines.entries()) {
        assert.equal(ring.at(i)?.toString(), i < ring.first ? undefined : line);
      }
    }),
  );
});

test('long lines: no more than 64 MiB', () => {
  const ring = new Ring(1000);
  for (let i = 0; i < 100; i++) ring.add(Buffer.alloc(1 << 20));
  assert.deepEqual([ring.first, ring.next], [36, 100]);
});
