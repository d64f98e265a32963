import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from '../../../../schemas/pipe/line/line-splitter.js';
import { cut } from '../../../support/arbitrary.js';

type Found = { line: Buffer } | { head: Buffer };

/** What Lines finds in these pieces. Asserts the same for one part and two, and when pieces are read ahead. */
function found(pieces: readonly Buffer[], limit?: number): Found[] {
  const one = foundIn(new LineSplitter(limit, 1), pieces);
  assert.deepEqual(foundIn(new LineSplitter(limit, 2), pieces), one);
  assert.deepEqual(foundAhead(new LineSplitter(limit, 1), pieces), one);
  assert.deepEqual(foundAhead(new LineSplitter(limit, 2), pieces), one);
  return one;
}

function foundIn(lines: LineSplitter, pieces: readonly Buffer[]): Found[] {
  const all: Found[] = [];
  const take = () => {
    for (let next = lines.next(); next !== 'more'; next = lines.next()) {
      if (next === 'line') all.push({ line: Buffer.from(lines.buffer.subarray(lines.start, lines.end)) });
      else all.push({ head: Buffer.from(lines.head) });
    }
  };
  for (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      const space = lines.space();
      assert.ok(space.length >= 1 << 16);
      const taken = piece.copy(space, 0, at);
      lines.filled(taken);
      take();
      at += taken;
    }
  }
  lines.finish();
  take();
  return all;
}

/** The same, reading the next piece while there are still lines. */
function foundAhead(lines: LineSplitter, pieces: readonly Buffer[]): Found[] {
  const all: Found[] = [];
  const left = pieces.map((piece) => piece);
  const readInto = (space: Buffer | undefined) => {
    const [piece] = left;
    if (!piece || !space) return 0;
    assert.ok(space.length >= 1 << 16);
    const taken = piece.copy(space);
    if (taken < piece.length) left[0] = piece.subarray(taken);
    else left.shift();
    return taken;
  };
  for (let over = false; !over; ) {
    if (lines.advance() === 0) {
      if (left.length === 0) {
        over = true;
        lines.finish();
      } else lines.filled(readInto(lines.space()));
    }
    lines.filledAhead(readInto(lines.ahead()));
    for (let next = lines.next(); next !== 'more'; next = lines.next()) {
      if (next === 'line') all.push({ line: Buffer.from(lines.buffer.subarray(lines.start, lines.end)) });
      else all.push({ head: Buffer.from(lines.head) });
    }
  }
  lines.close();
  return all;
}

/** The same, in the simplest way. */
function simple(bytes: Buffer, limit = 1 << 20): Found[] {
  const all = bytes.toString('latin1').split('\n');
  if (all.at(-1) === '') all.pop();
  return all
    .map((text) => Buffer.from(text, 'latin1'))
    .map((line) => (line.length > limit ? { head: line.subarray(0, limit) } : { line }));
}

const manyNewlines = fc
  .array(fc.oneof(fc.constant(10), fc.integer({ min: 0, max: 255 })), { maxLength: 200, size: 'max' })
  .map((bytes) => Buffer.from(bytes));

test('any bytes, cut anywhere, give the same lines', () => {
  const input = manyNewlines.chain((bytes) => fc.tuple(fc.constant(bytes), cut(bytes)));
  fc.assert(fc.property(input, ([bytes, pieces]) => assert.deepEqual(found(pieces), simple(bytes))));
});

test('with a tiny limit, the head of a long line is the same wherever it is cut', () => {
  const input = manyNewlines.chain((bytes) =>
    fc.tuple(fc.constant(bytes), cut(bytes), fc.integer({ min: 1, max: 20 })),
  );
  fc.assert(
    fc.property(input, ([bytes, pieces, limit]) => assert.deepEqual(found(pieces, limit), simple(bytes, limit))),
    { numRuns: 500 },
  );
});

test('lines of about the length of the buffer and of the limit', () => {
  const lengths = [0, 1 << 16, (1 << 18) - 1, 1 << 18, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000, 5];
  const bytes = Buffer.concat(lengths.flatMap((length, i) => [Buffer.alloc(length, 97 + i), Buffer.from('\n')]));
  for (const step of [65_521, 1 << 18, 1_000_003]) {
    const pieces = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) =>
      bytes.subarray(i * step, (i + 1) * step),
    );
    assert.deepEqual(found(pieces), simple(bytes));
  }
});

test('a line without an end is reported once, when it exceeds the limit, and does not make the buffer grow', () => {
  const lines = new LineSplitter();
  const results: string[] = [];
  for (let fed = 0; fed < 50 << 20; ) {
    const space = lines.space();
    space.fill(120);
    lines.filled(space.length);
    fed += space.length;
    for (let next = lines.next(); next !== 'more'; next = lines.next()) results.push(next);
  }
  assert.deepEqual(results, ['long']);
  assert.ok(lines.buffer.length <= 4 << 20, `${lines.buffer.length} bytes`);
});

test('with two parts, lines stay in place until the space after them was requested twice', () => {
  const lines = new LineSplitter(100, 2);
  const handed: { line: Buffer; text: string }[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const space = lines.space();
    for (const { line, text } of handed.splice(0)) assert.equal(line.toString(), text);
    lines.filled(space.write(`${`${turn}`.repeat(30)}\n`.repeat(1000 + turn)));
    lines.filled((lines.room() as Buffer).write('half a ')); // a partial line, which is moved
    while (lines.next() === 'line') {
      const line = lines.buffer.subarray(lines.start, lines.end);
      handed.push({ line, text: line.toString() });
    }
    assert.ok(handed.length >= 1000);
  }
});
