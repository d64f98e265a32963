import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RuntimeError } from '../../../../schemas/pipe/messages/errors.js';
import { onInvalid } from '../../../../schemas/pipe/stage/invalid.js';

test('fail throws at the first invalid line', () => {
  const wanted = { name: 'RuntimeError', message: 'line 7: why' };
  assert.throws(() => onInvalid('fail', 'x').line(7, 'why', Buffer.from('raw')), wanted);
});

test('only report and fail make a run fail', () => {
  assert.equal(onInvalid('report', 'test-report').end(1, 2), true);
  assert.equal(onInvalid('fail', 'test-fail').end(1, 2), true);
  assert.equal(onInvalid('drop', 'test-drop').end(1, 2), false);
});

test('a dead letter keeps the line number, the reason and every byte', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-invalid-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'bad');
  const raws = [Buffer.from('é\0"'), Buffer.from([0xff, 0, 10]), Buffer.alloc(0)];
  const policy = onInvalid(path, 'test-file');
  raws.forEach((raw, i) => {
    policy.line(i + 1, 'why', raw);
  });
  assert.equal(policy.end(3, 3), false);
  const records = readFileSync(path, 'utf8')
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text));
  const back = records.map(({ raw, raw_base64 }) =>
    raw === undefined ? Buffer.from(raw_base64, 'base64') : Buffer.from(raw),
  );
  assert.deepEqual(back, raws);
  assert.deepEqual(Object.keys(records[0]), ['stage', 'line', 'reason', 'raw']);
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('a dead-letter file that cannot be opened or written is an error', () => {
  assert.throws(() => onInvalid('/no/such/folder/bad', 'x'), RuntimeError);
  assert.throws(() => onInvalid('/dev/full', 'x').line(1, 'why', Buffer.from('raw')), RuntimeError);
});
