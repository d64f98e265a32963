import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onInvalid } from '../../../../schemas/pipe/stage/invalid.js';
import { Ledger } from '../../../../schemas/pipe/stage/ledger.js';
import type { Stage } from '../../../../schemas/pipe/stage/stage.js';
import { drive } from '../../../support/drive.js';
import { connect, ndjson } from '../../../support/events.js';
import { assertAll, numbered, seqsOf } from '../../../support/lines.js';

/** Input that arrives when the test says so. */
class Slow {
  #give: (bytes: number) => void = () => {};
  #into: Buffer = Buffer.alloc(0);
  asked = Promise.resolve();
  #resolveAsked = () => {};

  constructor() {
    this.#next();
  }

  #next() {
    this.asked = new Promise((resolve) => {
      this.#resolveAsked = resolve;
    });
  }

  read(into: Buffer): Promise<number> {
    this.#into = into;
    this.#resolveAsked();
    return new Promise((resolve) => {
      this.#give = resolve;
    });
  }

  async give(text: string): Promise<void> {
    await this.asked;
    this.#next();
    this.#give(this.#into.write(text));
  }
}

const run = (stage: Stage, input: Slow, ledger = new Ledger()) => {
  const flow = drive(stage, input, onInvalid('fail', 'test'), ledger);
  return { ledger, next: async () => (await flow.next()).value?.toString() };
};

test('a stage that calls wake() writes what it kept while no input arrives', async () => {
  const kept: Buffer[] = [];
  let later = () => {};
  const stage: Stage = {
    name: 'late',
    line({ buffer, start, end }, out) {
      kept.push(Buffer.from(buffer.subarray(start, end)));
      later = () => out.wake();
    },
    flush(out) {
      if (later !== noop) return;
      for (const line of kept.splice(0)) out.bytes(line, 0, line.length);
    },
  };
  const noop = () => {};
  const input = new Slow();
  const { next, ledger } = run(stage, input);
  const first = next();
  const text = ndjson(connect({ seq: 1 }), connect({ seq: 2 }));
  await input.give(text);
  await input.asked; // the flow waits for more
  const wake = later;
  later = noop;
  wake();
  assert.equal(await first, text);
  const second = next();
  await input.give('');
  assert.equal(await second, undefined);
  assert.deepEqual({ ...ledger }, { in: 2, out: 2, filtered: 0, invalid: 0, lost: 0 });
});

test('a wake() before the input is read is not lost', async () => {
  let flushes = 0;
  const stage: Stage = {
    name: 'early',
    open: (out) => out.wake(),
    line: (_, out) => out.drop(),
    flush: (out) => {
      if (++flushes === 1) out.write('first');
    },
  };
  assert.equal(await run(stage, new Slow()).next(), 'first\n');
});

test('output at the end is written in parts: each is taken before the next is made', async () => {
  let parts = 0;
  const stage: Stage = {
    name: 'many',
    line: (_, out) => out.drop(),
    finish(out) {
      out.write(`part ${++parts}`);
      return parts < 3;
    },
  };
  const input = new Slow();
  const { next } = run(stage, input);
  const first = next();
  await input.give('');
  assert.equal(await first, 'part 1\n');
  assert.equal(parts, 1);
  assert.equal(await next(), 'part 2\n');
  assert.equal(await next(), 'part 3\n');
  assert.equal(await next(), undefined);
});

test('lost events are counted and reported', async () => {
  const stage: Stage = { name: 'leaky', line: (_, out) => out.lost('queue', 1) };
  const input = new Slow();
  const { next, ledger } = run(stage, input);
  const first = next();
  await input.give(ndjson(connect()));
  assert.equal(await first, '{"type":"lost","v":1,"stage":"leaky","where":"queue","count":1}\n');
  assert.equal(ledger.lost, 1);
});

test('an error in the input is thrown', async () => {
  const input = { read: () => Promise.reject(new Error('gone')) };
  const flow = drive({ name: 'x', line: () => {} }, input, onInvalid('fail', 'test'), new Ledger());
  await assert.rejects(flow.next(), /gone/);
});

test('if a stage asks for another flush, its earlier output is written first', async () => {
  const pieces = Array.from({ length: 50 }, () => Buffer.from(ndjson(connect())));
  let [put, written, asked] = [0, 0, 0];
  const stage: Stage = {
    name: 'test',
    line(line, out) {
      put++;
      out.pass(line);
    },
    flush(out) {
      assert.ok(written >= asked, `${written} of ${asked} written`);
      if (put > asked) out.wake();
      asked = put;
    },
  };
  const now = (into: Buffer) => pieces.pop()?.copy(into) ?? 0; // everything is available at once
  const input = { now, read: async (into: Buffer) => now(into) };
  for await (const bytes of drive(stage, input, onInvalid('fail', 'test'), new Ledger(), false))
    written += bytes.toString().split('\n').length - 1;
  assert.equal(written, 50);
});

/** An input that never pauses: gives what a pipe holds each time, and counts the reads. */
function busy(text: Buffer) {
  let at = 0;
  const asked = { read: 0, now: 0 };
  const give = (into: Buffer) => {
    const bytes = text.copy(into, 0, at, at + (1 << 16));
    at += bytes;
    return bytes;
  };
  const read = async (into: Buffer) => {
    asked.read++;
    return give(into);
  };
  const now = (into: Buffer) => {
    asked.now++;
    return at < text.length ? give(into) : undefined;
  };
  return { asked, input: { read, now } };
}

const lines = 20_000; // 4.5 MB, 70 pieces

test('input that is already available goes to a sink in pieces of a megabyte', async () => {
  const { asked, input } = busy(Buffer.from(numbered(1, lines)));
  const written: number[] = [0];
  const stage: Stage = {
    name: 'sink',
    traits: { sink: true },
    line: () => {},
    batch: {
      lines(scanned) {
        const count = scanned.known;
        const { buffer } = scanned;
        const [start, end] = [scanned.start(0), scanned.end(count - 1) + 1];
        assert.equal(seqsOf(buffer.subarray(start, end)).length, count);
        written.push((written.pop() as number) + end - start);
        return count;
      },
    },
    flush: () => {
      if (written.at(-1) !== 0) written.push(0);
    },
  };
  for await (const _ of drive(stage, input, onInvalid('fail', 'test'), new Ledger()));
  assert.equal(
    written.reduce((sum, bytes) => sum + bytes),
    numbered(1, lines).length,
  );
  assert.ok(written.length <= 7, written.join(' '));
  assert.ok(asked.read <= 7 && asked.now > 60, JSON.stringify(asked));
});

test('output is written once it is about what a pipe holds, and other work gets its turn in between', async () => {
  const { input } = busy(Buffer.from(numbered(1, lines)));
  const stage: Stage = { name: 'all', line: (line, out) => out.pass(line) };
  const pieces: Buffer[] = [];
  let turns = 0;
  const count = () => {
    turns++;
    turn = setImmediate(count);
  };
  let turn = setImmediate(count);
  for await (const bytes of drive(stage, input, onInvalid('fail', 'test'), new Ledger()))
    pieces.push(Buffer.from(bytes));
  clearImmediate(turn);
  assertAll(seqsOf(Buffer.concat(pieces)), lines);
  const most = (2 << 16) + 300; // just less than a pipe holds, plus one more piece and the rest of a line
  assert.ok(Math.max(...pieces.map((piece) => piece.length)) < most, pieces.map((piece) => piece.length).join(' '));
  assert.ok(turns >= pieces.length - 1, `${turns} turns for ${pieces.length} pieces`);
});

test('a sink still gets lines of unknown types, blank lines, and a last line without a newline', async () => {
  const good = numbered(1, 2_000);
  const { input } = busy(Buffer.from(`${good}nonsense\n\n${good}{"type":"own"}\n${good.slice(0, -1)}`));
  const bad: number[] = [];
  const policy = { line: (number: number) => void bad.push(number), end: () => true };
  const ledger = new Ledger();
  let [single, many] = [0, 0];
  const stage: Stage = {
    name: 'sink',
    traits: { sink: true },
    line: () => void single++,
    batch: {
      lines(scanned) {
        const count = Math.min(scanned.known, 100);
        many += count;
        return count;
      },
    },
  };
  for await (const _ of drive(stage, input, policy, ledger));
  assert.deepEqual([bad, ledger.in, ledger.invalid], [[2001], 6_002, 1]);
  assert.deepEqual([single, many], [1, 6_000]); // the scanner does not know the line of another type
});

test('a write started by a flush continues during input, and is done before waiting for input and at the end', async () => {
  const log: string[] = [];
  let [writing, written]: [Promise<void> | undefined, () => void] = [undefined, () => {}];
  const stage: Stage = {
    name: 'behind',
    traits: { sink: true },
    line: () => {},
    flush() {
      const isFirst = !log.includes('begun');
      log.push('begun');
      const over = new Promise<void>((resolve) => {
        written = resolve;
      });
      writing = over.then(() => void log.push('done'));
      if (!isFirst) written();
    },
    background: { done: () => writing },
  };
  const pieces = ['now', 'now', 'wait', 'now', 'end'];
  const take = (into: Buffer) => {
    const piece = pieces.shift() as string;
    log.push(piece);
    if (log.includes('begun')) setTimeout(written, 1); // the first write ends only once there is more input
    return into.write(piece === 'end' ? '' : ndjson(connect()));
  };
  const now = (into: Buffer) => (pieces[0] === 'wait' ? undefined : take(into));
  for await (const _ of drive(
    stage,
    { now, read: async (into) => take(into) },
    onInvalid('fail', 'test'),
    new Ledger(),
  ));
  const [first, done, waits] = [log.indexOf('begun'), log.indexOf('done'), log.indexOf('wait')];
  const second = log.indexOf('now', first);
  assert.ok(second > first && second < done && done < waits, log.join(' '));
  assert.deepEqual([log[waits - 1], log.at(-1)], ['done', 'done'], log.join(' '));
});
