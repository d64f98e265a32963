import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { events, filter, pipeline, type Stage, sinkFile, validate } from 'synpipe';
import { connect, ndjson } from '../../../support/events.js';

const good = [connect({ seq: 1 }), connect({ seq: 2, dport: 80 }), connect({ seq: 3 })];

async function all<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const one of iterable) list.push(one);
  return list;
}

test('sources may be bytes, text cut anywhere, or events', async () => {
  const text = ndjson(...good);
  const sources = [[text], [...text], [Buffer.from(text)], [Buffer.from(text).subarray(0, 9), text.slice(9)], good];
  for (const source of sources) {
    assert.deepEqual(await all(events(source, filter({ dport: 443 }))), [good[0], good[2]]);
    assert.deepEqual(await all(events(source)), good);
  }
});

test('resolves to the ledger of each stage, and the file has the bytes', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-pipeline-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'out.ndjson');
  const ledgers = await pipeline([ndjson(...good)], filter({ dport: 443 }), sinkFile({ path }));
  assert.deepEqual(
    ledgers.map((ledger) => ({ ...ledger })),
    [
      { in: 3, out: 2, filtered: 1, invalid: 0, lost: 0 },
      { in: 2, out: 2, filtered: 0, invalid: 0, lost: 0 },
    ],
  );
  assert.equal(readFileSync(path, 'utf8'), ndjson(good[0], good[2]));
});

test('rejects at an invalid line, with everything before it stored', async (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-pipeline-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const path = join(dir, 'out.ndjson');
  const message = 'filter: line 2: not JSON: oops';
  await assert.rejects(pipeline([`${ndjson(good[0])}oops\n`], filter(), sinkFile({ path })), { message });
  assert.equal(readFileSync(path, 'utf8'), ndjson(good[0]));
});

test('invalid events are rejected, with and without stages', async () => {
  for (const bad of ['oops', 'null', '[]', '{}', '{"type":"connect"}', '{"type":"lost","v":2}']) {
    await assert.rejects(all(events([`${bad}\n`])), bad);
    await assert.rejects(all(events([`${bad}\n`], validate())), bad);
  }
  await assert.rejects(
    all(events([Buffer.from([...Buffer.from('{"type":"'), 0xff, ...Buffer.from('"}\n')])])),
    /UTF-8/,
  );
});

test('a line without an end is refused before it fills the memory', async () => {
  let given = 0;
  const endless = function* () {
    for (; given < 64; given++) yield 'x'.repeat(1 << 20);
  };
  await assert.rejects(all(events(endless())), /longer than 1048576 bytes/);
  assert.ok(given < 10, `${given} MiB read`);
});

test('blank lines and a missing last newline are accepted', async () => {
  assert.deepEqual(await all(events([`\n \r\n${ndjson(...good).trimEnd()}`])), good);
});

test('an error in the source rejects, and every stage is ended', async () => {
  const ended: string[] = [];
  const stage = (name: string): Stage => ({
    name,
    line: (line, out) => out.pass(line),
    close: () => void ended.push(name),
  });
  const failing = async function* () {
    yield ndjson(good[0]);
    throw new Error('the source failed');
  };
  await assert.rejects(pipeline(failing(), stage('a'), stage('b')), { message: 'the source failed' });
  assert.deepEqual(ended.sort(), ['a', 'b']);
});

test('a reader that stops early stops a running source', async () => {
  let stopped = () => {};
  const stop = new Promise<void>((resolve) => {
    stopped = resolve;
  });
  const endless = async function* () {
    try {
      for (let seq = 1; ; seq++) yield ndjson(connect({ seq }));
    } finally {
      stopped();
    }
  };
  for await (const event of events(endless(), filter({ dport: 443 }))) {
    assert.equal(event.type, 'connect');
    break;
  }
  await stop; // never resolves if the source is not stopped: the test is then cancelled
});

test('a reader that stops early stops an idle source', async () => {
  const idle = new PassThrough();
  idle.write(ndjson(good[0]));
  const closed = once(idle, 'close');
  for await (const _ of events(idle, validate())) break;
  await closed;
});
