import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { Clock, type Time } from '../../collector/replay/clock.js';
import { Paced } from '../../collector/replay/paced.js';
import { fromChunks } from '../../schemas/pipe/io/chunks.js';
import type { Source } from '../../schemas/pipe/io/source.js';
import { micros, momentText } from '../../schemas/pipe/line/moment.js';
import { connect, ndjson } from '../support/events.js';
import { folder, start } from '../support/process.js';
import { root } from '../support/shell.js';

/** A clock that advances only during sleeps. */
function stopped(): Time & { us: number } {
  return {
    us: 1e15,
    now() {
      return this.us;
    },
    async sleep(us) {
      this.us += us;
    },
  };
}

/** Yields a recording in pieces of these lengths, repeating the last length. */
function source(bytes: Buffer, lengths: number[]): Source {
  const pieces = async function* () {
    for (let at = 0, i = 0; at < bytes.length; i++) {
      const length = lengths[Math.min(i, lengths.length - 1)] as number;
      yield bytes.subarray(at, at + length);
      at += length;
    }
  };
  return { piped: false, release: async () => true, ...fromChunks(pieces()) };
}

const first = Date.parse('2026-11-23T08:15:30Z') * 1000;

test('a time is read and written to the microsecond', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e15 }), (us) => {
      assert.equal(micros(momentText(us)), us);
    }),
  );
  assert.equal(momentText(first + 123456), '2026-11-23T08:15:30.123456Z');
  for (const none of [undefined, 7, 'later', '2026-11-23T08:15:30Z', '2026-13-23T08:15:30.000000Z'])
    assert.ok(Number.isNaN(micros(none)), String(none));
});

test('each line is written when its time has come, after those before it, with no byte changed', async () => {
  const line = fc.oneof(
    { weight: 6, arbitrary: fc.integer({ min: -5_000, max: 5_000_000 }) },
    fc.constant('{"type":"lost","v":1,"stage":"collector","where":"ring buffer","count":3}'),
    fc.constant('no event'),
    fc.constant(''),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 30, size: 'max' }),
      fc.array(fc.integer({ min: 1, max: 2_000 }), { minLength: 1 }),
      fc.constantFrom(0.5, 1, 10),
      fc.boolean(),
      async (recorded, lengths, speed, newline) => {
        const lines = recorded.map((one) =>
          typeof one === 'number' ? ndjson(connect({ ts: momentText(first + one) })).trimEnd() : one,
        );
        const text = lines.map((one) => `${one}\n`).join('');
        const bytes = Buffer.from(newline ? text : text.slice(0, -1));
        const time = stopped();
        const begin = time.us;
        const paced = new Paced(source(bytes, lengths), new Clock(speed, time.now.bind(time)), time);
        const came: [number, string][] = [];
        const into = Buffer.alloc(1 << 16);
        for (let n = await paced.read(into); n > 0; n = await paced.read(into))
          came.push([time.us - begin, into.toString('utf8', 0, n)]);
        assert.equal(came.map(([, text]) => text).join(''), bytes.toString());
        let due = 0;
        const start = recorded.find((one) => typeof one === 'number') as number;
        const wanted = recorded.map((one) => {
          if (typeof one === 'number') due = Math.max(due, Math.round((one - start) / speed));
          return due;
        });
        const got = came.flatMap(([at, text]) =>
          text.split('\n').flatMap((_, i, all) => (i < all.length - 1 ? at : [])),
        );
        assert.deepEqual(got, wanted.slice(0, got.length));
        assert.equal(got.length, text.slice(0, bytes.length).split('\n').length - 1);
      },
    ),
  );
});

test('a pause lasts at most 1 h; a line from the future does not wait; pace is kept after a long step back', async () => {
  const hour = 3600;
  const far = 73 * 365 * 24 * hour;
  const arrivals = async (...seconds: number[]) => {
    const bytes = Buffer.from(ndjson(...seconds.map((s) => connect({ ts: momentText(first + s * 1e6) }))));
    const time = stopped();
    const begin = time.us;
    const reports: string[] = [];
    const clock = new Clock(1, time.now.bind(time));
    const paced = new Paced(source(bytes, [1 << 16]), clock, time, (text) => reports.push(text));
    const came: number[] = [];
    const into = Buffer.alloc(1 << 16);
    for (let n = await paced.read(into); n > 0; n = await paced.read(into))
      for (const _ of into.toString('utf8', 0, n).trimEnd().split('\n')) came.push((time.us - begin) / 1e6);
    return { came, reports };
  };
  assert.deepEqual(await arrivals(0, 1, far, 2, 3), { came: [0, 1, 1, 2, 3], reports: [] });
  const [paused, message] = [1 + hour, `shortened a pause of ${far - 1} s to 3600 s`];
  assert.deepEqual(await arrivals(0, 1, far, far + 5), { came: [0, 1, paused, paused + 5], reports: [message] });
  assert.deepEqual((await arrivals(0, 1, 1 - 2 * hour, 6 - 2 * hour)).came, [0, 1, 1, 6]);
  assert.deepEqual((await arrivals(far, 0, 5)).came, [0, 0, 5]);
});

test('a line longer than the read-ahead is written whole', async () => {
  const bytes = Buffer.from(
    `${ndjson(connect())}${JSON.stringify({ type: 'b', x: 'y'.repeat(700_000) })}\n${ndjson(connect())}`,
  );
  const time = stopped();
  const paced = new Paced(source(bytes, [50_000]), new Clock(1, time.now.bind(time)), time);
  const parts: Buffer[] = [];
  const into = Buffer.alloc(1 << 16);
  for (let n = await paced.read(into); n > 0; n = await paced.read(into)) parts.push(Buffer.from(into.subarray(0, n)));
  assert.ok(Buffer.concat(parts).equals(bytes));
});

const slow = ndjson(connect({ seq: 1 }), connect({ seq: 2, ts: '2026-11-23T09:15:30.123456Z' }));

for (const argv of [
  ['replay', 'slow.ndjson'],
  ['synpipe', 'run', 'replay slow.ndjson | filter --dport 443'],
]) {
  test(`Ctrl-C ends it during a pause: ${argv.join(' ')}`, async (t) => {
    const dir = folder(t);
    writeFileSync(join(dir, 'slow.ndjson'), slow);
    const { child, ended } = start(t, argv, dir, ['ignore', 'pipe', 'pipe']);
    const [came] = await once(child.stdout as Readable, 'data');
    assert.equal(String(came), ndjson(connect({ seq: 1 })));
    child.kill('SIGINT');
    assert.deepEqual(await ended, { code: null, signal: 'SIGINT', stderr: '' });
  });
}

test('a program can stop reading a recording during a pause', async (t) => {
  const dir = folder(t);
  writeFileSync(join(dir, 'slow.ndjson'), slow);
  const program = `
import { events, filter, replay } from '${root}dist/index.js';
for await (const { seq } of events(replay({ file: 'slow.ndjson' }), filter({ dport: 443 }))) { console.log(seq); break; }
const counts = { seqs: [] };
for await (const { seq, ts } of events(replay({ file: 'slow.ndjson', speed: 'max', now: true }))) counts.seqs.push(seq, ts > '2026-11-23T10');
console.log(JSON.stringify(counts));
try { replay({ file: 'slow.ndjson', speed: 0 }); } catch (error) { console.log(error.message); }
for await (const _ of events(replay({ file: 'none.ndjson' })));`;
  const { child, ended } = start(t, ['node', '--input-type=module', '-e', program], dir, ['ignore', 'pipe', 'pipe']);
  let said = '';
  child.stdout?.on('data', (data) => {
    said += data;
  });
  const { code, stderr } = await ended;
  assert.equal(
    said,
    '1\n{"seqs":[1,true,2,true]}\ninvalid speed "0": use a number such as 1x, 10x or 0.5x, or max\n',
    stderr,
  );
  assert.equal(code, 1);
  assert.match(stderr, /cannot read none\.ndjson: ENOENT; check the path/);
});
