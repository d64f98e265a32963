/** Calls the functions of pipe.c with arguments that our callers never pass, built with ASan and UBSan. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { recordWords } from '../../../../schemas/pipe/scan/record.layout.js';
import { root } from '../../../support/shell.js';
import { alone } from '../../../support/thread.js';

/** Node's own headers, or those that node-gyp has for it. */
const places = [join(dirname(process.execPath), '../include/node'), '/usr/include/node'];
const include = places.find((place) => existsSync(join(place, 'node_api.h')));
const skip = alone || (include ? false : "Node's headers are not installed");

const program = `
const assert = require('node:assert');
const addon = require(process.argv[2]);
const words = ${recordWords};
const memory = new WebAssembly.Memory({ initial: 2, maximum: 2 }).buffer;
const bytes = Buffer.from(memory);
const line = '{"type":"lost","v":1,"stage":"collector","where":"ring buffer","count":3}\\n';
const length = memory.byteLength;
const base = 65536;
bytes.write(line.repeat(3), base);
bytes.write('\\n', length - 1);
bytes.write('\\n', length - 64 - 1);
const to = 3 * line.length;
const scanner = addon.open(memory);
const offers = (...given) => addon.offer(scanner, ...given);

// valid calls
assert.equal(offers(base, 0, to, 0, 10 * words), true);
assert.equal(addon.take(scanner), 3);
assert.equal(offers(base, 0, to, 0, 2 * words), true);
assert.equal(addon.take(scanner), 2, 'no room for the third line');
new Int32Array(memory, 0, 4 * words).fill(7);
assert.equal(offers(base, 0, to, 0, 3 * words - 1), true);
assert.equal(addon.take(scanner), 2, 'no room for the whole third line');
assert.ok(new Int32Array(memory, 2 * words * 4, words).every((word) => word === 7), 'the third record is not touched');
assert.equal(offers(0, base, base + to, 0, words), true);
assert.equal(addon.take(scanner), 1);
assert.equal(offers(0, length - 65, length - 64, 0, words), true, 'the last allowed position of a line');
assert.equal(addon.take(scanner), 1);

// positions outside the memory, or not of a line
for (const given of [
  [base, 0, length, 0, words],
  [base, 0, length - base, 0, words], // no slack after it
  [base, to, 0, 0, words],
  [base, 0, 0, 0, words],
  [length, 0, 1, 0, words],
  [0xffffffff, 0, 1, 0, words],
  [0xffffffff, 0xffffffff, 0xffffffff, 0, words],
  [base, 0, to - 1, 0, words], // no newline
  [base, 0, to, length, 1],
  [base, 0, to, length - 4, 2],
  [base, 0, to, 0, 0xffffffff],
  [base, 0, to, 0xfffffffc, words],
  [base, 0, to, 1, words],
  [base, 0, to, base, words], // overlaps the lines
  [base, 0, to, base - 4, 2],
  [base, 0, to, base + to - 2, words],
]) assert.throws(() => offers(...given), RangeError, String(given));

// values that are not valid numbers, too few values, or too many
for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 32, 2 ** 53, '1', null, undefined, {}, [], 1n, Symbol('s')])
  for (let at = 0; at < 5; at++) {
    const given = [base, 0, to, 0, words];
    given[at] = wrong;
    assert.throws(() => offers(...given), TypeError);
    assert.throws(() => addon.grow(...[1, 4096].with(at % 2, wrong)), TypeError);
  }
for (const given of [[], [base], [base, 0, to, 0], [base, 0, to, 0, words, 1], new Array(40).fill(0)]) {
  assert.throws(() => offers(...given), TypeError);
  if (given.length > 0) assert.throws(() => addon.grow(...given), TypeError);
}
assert.equal(addon.grow(0xffffffff, 0xffffffff), false);
assert.equal(addon.grow(12345, 4096), false);

// values that are not scanners, including objects of another addon
const { privateKey } = require('node:crypto').generateKeyPairSync('ed25519');
const others = [undefined, null, 1, 'x', {}, [], memory, () => {}, Object.create(scanner), privateKey, new Proxy({}, {})];
for (const other of others) {
  assert.throws(() => addon.offer(other, base, 0, to, 0, words), TypeError);
  assert.throws(() => addon.take(other), TypeError);
  assert.throws(() => addon.close(other), TypeError);
}
for (const other of [undefined, null, 1, {}, bytes, new DataView(memory), new SharedArrayBuffer(8)])
  assert.throws(() => addon.open(other), TypeError);
for (const name of ['offer', 'take', 'close', 'open', 'grow']) assert.throws(() => addon[name](), TypeError);

// more offers than there is room for, and takes without an offer
let taken = 0;
while (offers(base, 0, to, 0, 10 * words)) taken++;
assert.equal(taken, 64);
while (taken-- > 0) assert.equal(addon.take(scanner), 3);
assert.equal(addon.take(scanner), 0);

// after close, and closed twice
addon.close(scanner);
for (const call of [() => addon.close(scanner), () => addon.take(scanner), () => offers(base, 0, to, 0, words)])
  assert.throws(call, TypeError);

// the memory stays alive while its scanner does, and is freed with a scanner that was not closed
const size = 4 << 20;
const made = [];
const gone = new Set();
const registry = new FinalizationRegistry((at) => gone.add(at));
for (let at = 0; at < 20; at++) {
  let buffer = new ArrayBuffer(size);
  registry.register(buffer, at);
  const one = addon.open(buffer);
  if (at % 2 === 0) made.push(one);
}
(async () => {
  for (let tries = 0; tries < 200 && gone.size < 10; tries++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual([...gone].sort((a, b) => a - b), [1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
  assert.deepEqual([made.length, typeof registry], [10, 'object']); // keeps both alive until here
  addon.open(memory); // left open on purpose
  console.log('good');
})();
`;

test('hostile arguments are refused', { skip }, (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const sources = ['pipe/native/pipe.c', 'pipe/native/ahead.c', 'generated/scan.c'].map(
    (file) => `${root}schemas/${file}`,
  );
  const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  const flags = ['-g', '-O1', '-shared', '-fPIC', '-DNAPI_VERSION=8', `-I${include}`, ...sanitize];
  const addon = join(folder, 'pipe.node');
  execFileSync('gcc', [...flags, ...sources, '-o', addon]);
  writeFileSync(join(folder, 'run.cjs'), program);
  const libraries = ['asan', 'ubsan'].map((name) =>
    execFileSync('gcc', [`-print-file-name=lib${name}.so`], { encoding: 'utf8' }).trim(),
  );
  const { stdout, stderr, status } = spawnSync(process.execPath, ['--expose-gc', join(folder, 'run.cjs'), addon], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH, LD_PRELOAD: libraries.join(':'), ASAN_OPTIONS: 'detect_leaks=0' },
  });
  assert.deepEqual({ stdout, stderr, status }, { stdout: 'good\n', stderr: '', status: 0 });
});
