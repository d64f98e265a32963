import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { KeyBytes } from '../../../transforms/aggregate/bytes.js';
import { HeldEvents } from '../../../transforms/dedupe/held-events.js';

interface Model {
  since: number;
  times: number;
  line?: string;
}
const step = fc.record({
  what: fc.constantFrom(
    ...['see', 'see', 'see', 'see', 'see', 'see'],
    ...['end', 'end', 'end', 'remove', 'move', 'settle'],
  ),
  type: fc.nat(1),
  key: fc.oneof({ weight: 99, arbitrary: fc.nat(999) }, fc.constantFrom(10_000, 10_001, 300_000)),
  line: fc.oneof({ weight: 99, arbitrary: fc.nat(400) }, fc.nat(300_000)),
});

/** Keys of many lengths; some differ in their first or last byte only. */
const textOf = (key: number) => `${key % 7}${'k'.repeat(key < 10_000 ? key % 40 : key)}${key}`;

const bytes = new KeyBytes();
function wordsOf(text: string) {
  bytes.length = 0;
  bytes.need(text.length);
  bytes.copy(Buffer.from(text), 0, text.length);
  bytes.pad();
  return { words: bytes.words, from: 0, length: bytes.length };
}

test('HeldEvents holds the same as a plain Map', () => {
  const line = new Line();
  const buffer = Buffer.alloc(100_000); // where lines stay until `settle`
  let most = 0;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3000, size: 'max' }), (steps) => {
      const [held, model] = [new HeldEvents(), new Map<string, Model>()];
      let used = 0; // of the buffer
      const check = (entry: number, { since, times, line }: Model) => {
        assert.deepEqual([held.since(entry), held.times(entry)], [since, times]);
        if (line === undefined) return;
        const { bytes, start, end } = held.line(entry);
        assert.equal(bytes.toString('latin1', start, end), line);
        assert.equal(held.hasRepeat(entry), line.length % 2 === 1);
      };
      const end = (name: string) => {
        const entry = held.oldest;
        check(entry, model.get(name) as Model);
        held.remove(entry);
        model.delete(name);
      };
      for (const [i, { what, type, key, line: length }] of steps.entries()) {
        const name = `${type} ${textOf(key)}`;
        const found = model.get(name);
        const entry = held.find(type, wordsOf(textOf(key)));
        assert.equal(entry > 0, found !== undefined);
        if (found) check(entry, found);
        if (what === 'see' && found) {
          found.line = String(i).padEnd(length, 'x');
          found.times += key;
          const bytes = Buffer.from(found.line);
          const stays = used + bytes.length <= buffer.length && i % 5 > 0;
          if (stays) bytes.copy(buffer, used);
          const start = stays ? used : 0;
          Object.assign(line, { buffer: stays ? buffer : bytes, start, end: start + bytes.length, stays });
          if (stays) used += bytes.length;
          held.hold(entry, line, key, found.line.length % 2 === 1);
          if (!stays) bytes.fill('!');
        } else if (what === 'see') {
          held.add(type, wordsOf(textOf(key)), i);
          model.set(name, { since: i, times: 0 });
        } else if (what === 'end' && model.size > 0) end(model.keys().next().value as string);
        else if (what === 'remove' && found) {
          held.remove(entry);
          model.delete(name);
        } else if (what === 'move' && found) {
          held.moveToEnd(entry);
          model.delete(name);
          model.set(name, found);
        }
        if (what === 'settle') {
          held.settle();
          buffer.fill('!');
          used = 0;
        }
        assert.equal(held.size, model.size);
        most = Math.max(most, model.size);
      }
      for (const name of [...model.keys()]) end(name);
      assert.equal(held.oldest, 0);
    }),
    { numRuns: 30 },
  );
  assert.ok(most > 256, `at most ${most} at once: the table never grew`);
});
