import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ring } from '../../../dist/sinks/web/ring.js';

test('keeps the last lines, by number', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.array(fc.string(), { maxLength: 60, size: 'max' }),
      (size, lines) => {
        const ring = new Ring(size);
        for (const line of lines) ring.add(Buffer.from(line));
        assert.equal(ring.next, lines.length);
        assert.equal(ring.first, Math.max(0, lines.length - size));
        for (const [i, line] of lines.entries()) {
          assert.equal(ring.at(i)?.toString(), i < ring.first ? undefined : line);
        }
      },
    ),
  );
});

test('keeps the newest pending lines of waiting attempts longer, up to half the number of lines', () => {
  const ring = new Ring(10);
  const text = (lines: Buffer[]) => lines.map(String).join(' ');
  ring.addPending(Buffer.from('a1'), 'a');
  ring.addPending(Buffer.from('b1'), 'b');
  ring.addPending(Buffer.from('a2'), 'a');
  ring.addOutcome(Buffer.from('x'), 'x');
  for (let i = 0; i < 10; i++) ring.add(Buffer.from('more'));
  assert.equal(ring.first, 4);
  assert.equal(text(ring.pending.between(0, 4)), 'b1 a2');
  assert.equal(text(ring.pending.between(2, 4)), 'a2');
  ring.addOutcome(Buffer.from('a3'), 'a');
  assert.deepEqual([ring.endedAt(3), ring.endedAt(14)], [undefined, 'a']);
  assert.equal(text(ring.pending.between(0, 15)), 'b1');
  for (let i = 0; i < 20; i++) ring.addPending(Buffer.from(`c${i}`), `c${i}`);
  assert.equal(text(ring.pending.between(0, 99)), 'c15 c16 c17 c18 c19');
  assert.equal(ring.endedAt(14), undefined);
});

test('long lines: at most 64 MiB', () => {
  const ring = new Ring(1000);
  for (let i = 0; i < 100; i++) ring.add(Buffer.alloc(1 << 20));
  assert.deepEqual([ring.first, ring.next], [36, 100]);
});
