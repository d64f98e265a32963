import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Line } from '../../../../schemas/pipe/line/line.js';
import { PlainScanner } from '../../../../schemas/pipe/scan/plain.js';
import { WasmScanner } from '../../../../schemas/pipe/scan/wasm.js';
import { validate } from '../../../../transforms/validate.js';
import { agree, reference } from '../../../fuzz/agree.js';
import { runStage } from '../../../support/memory.js';
import { oddities, text } from '../../../support/oddities.js';
import { ThreadScanner } from '../../../support/thread.js';

const scanners = [new PlainScanner(1 << 18, 8), new WasmScanner(1 << 18, 8), new ThreadScanner(1 << 18, 8)];

for (const [name, [line, valid]] of Object.entries(oddities)) {
  test(name, () => {
    assert.equal(reference(line) !== undefined, valid);
    assert.equal(new Line().take(line, 0, line.length) === undefined, valid);
    agree(scanners, [line]);
    agree(scanners, [Buffer.from(text), line, Buffer.from(text)]);
  });
}

test('all scanners agree on a line cut off anywhere', () => {
  const bytes = Buffer.from(text);
  agree(
    scanners,
    Array.from(bytes, (_, end) => bytes.subarray(0, end)),
  );
});

const input = (lines: Buffer[]) => Buffer.concat(lines.flatMap((line) => [line, Buffer.from('\n')]));

test('fed byte by byte, they give the same verdicts, and valid lines pass unchanged', async () => {
  const short = Object.values(oddities).filter(([line]) => line.length < 1000);
  const bytes = input(short.map(([line]) => line));
  const whole = await runStage(validate(), [bytes]);
  const single = await runStage(
    validate(),
    Array.from(bytes, (_, at) => bytes.subarray(at, at + 1)),
  );
  assert.deepEqual(single, whole);
  const gone = Buffer.from(whole.out).toString('latin1').split('\n');
  const own = /^\{"type":"lost","v":1,"stage":"validate"/;
  assert.deepEqual(
    gone.filter((line) => line !== '' && !own.test(line)),
    short.filter(([, valid]) => valid).map(([line]) => line.toString('latin1')),
  );
  assert.equal(whole.bad.length, short.filter(([, valid]) => !valid).length);
});

test('a chunk may end anywhere', async () => {
  const odd = ['as it is', 'blanks between', 'a pair of surrogates, escaped', 'half a character', 'a trailing comma'];
  const lines = odd.map((name) => (oddities[name] as [Buffer, boolean])[0]);
  const bytes = input([...lines, Buffer.from(text)]);
  const whole = await runStage(validate(), [bytes]);
  for (let at = 1; at < bytes.length; at++)
    assert.deepEqual(await runStage(validate(), [bytes.subarray(0, at), bytes.subarray(at)]), whole, String(at));
});
