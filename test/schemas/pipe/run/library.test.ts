/** The functions of the library: each takes one object of options, which are those of the command. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import * as library from 'synpipe';
import { commands } from '../../../support/checked.js';
import { connect, ndjson } from '../../../support/events.js';
import { folder } from '../../../support/process.js';
import { root } from '../../../support/shell.js';

const {
  apply,
  events,
  pipeline,
  replay,
  sinkFile,
  sinkHttp,
  sinkMetrics,
  sinkNats,
  sinkTable,
  sinkWeb,
  sourceNats,
  UsageError,
} = library;
const usage = (message: string) => (error: unknown) => {
  assert.ok(error instanceof UsageError);
  assert.equal(error.message, message);
  return true;
};
const seqs = async (source: Parameters<typeof events>[0]) => {
  const all: unknown[] = [];
  for await (const event of events(source)) all.push('seq' in event && event.seq);
  return all;
};

/** What is required beside the options. */
const required: Record<string, object> = {
  replay: { file: 'x' },
  'source-nats': { url: 'nats://x', stream: 'X' },
  'sink-file': { path: 'x' },
  'sink-http': { url: 'http://x' },
  'sink-nats': { url: 'nats://x' },
  'sink-metrics': { target: '-' },
  apply: { each: () => true },
};
const called = (command: string) => {
  const name = command.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  return (library as unknown as Record<string, (options: object) => unknown>)[name];
};

/** Commands for people only. */
const without = ['doctor', 'top', 'why'];

for (const name of Object.keys(commands).filter((name) => !without.includes(name)))
  test(`${name} takes one object, and refuses what is not an option`, () => {
    const call = called(name);
    assert.ok(call);
    assert.throws(() => call({ ...required[name], wrong: 1 }), usage('unknown option wrong; see --help'));
    for (const argument of Object.keys(required[name] ?? {}))
      assert.throws(
        () => call({ ...required[name], [argument]: undefined }),
        new RegExp(`UsageError: missing ${argument};`),
      );
    if (name !== 'collector') call({ ...required[name] }); // it starts one
  });

test('a path, URL or function in place of the options: the error says what to write', () => {
  assert.throws(
    () => sinkFile('out.ndjson' as never),
    usage('invalid options "out.ndjson": use an object, as in { path: … }'),
  );
  assert.throws(() => apply((() => true) as never), usage('missing each; use a function, as in each: (event) => …'));
  assert.throws(() => sinkFile({ pth: 'x' } as never), usage('unknown option pth; did you mean path?'));
});

test('arguments are checked as those of the command are', () => {
  assert.throws(() => sinkHttp({ url: 'ftp://x' }), usage('invalid URL "ftp://x": use http:// or https://'));
  assert.throws(() => sinkFile({ path: '{nope}' }), /unknown field "nope"/);
  assert.throws(
    () => sourceNats({ url: 'nats://x', stream: 'a b' }),
    usage('invalid STREAM "a b": use letters, digits, "_" and "-"'),
  );
  sinkNats({ url: ['nats://a', 'nats://b'] });
  assert.throws(() => sinkNats({ url: ['nats://a', 'http://b'] }), /http:\/\/b/);
});

test('replay reads several files in order of time, compressed or not', async (t) => {
  const dir = folder(t);
  const [late, early] = [join(dir, 'late'), join(dir, 'early.gz')];
  writeFileSync(late, ndjson(connect({ seq: 2, ts: '2026-11-23T09:00:00.000000Z' })));
  writeFileSync(early, gzipSync(ndjson(connect({ seq: 1, ts: '2026-11-23T08:00:00.000000Z' }))));
  assert.deepEqual(await seqs(replay({ file: [late, early], speed: 'max' })), [1, 2]);
  assert.deepEqual(await seqs(replay({ file: late, speed: 'max' })), [2]);
});

test('apply calls the function with each event of the types', async () => {
  const each = (event: object) => ({ ...event, seq: 7 }) as ReturnType<typeof connect>;
  const lost = { type: 'lost', v: 1, count: 1, stage: 'x', where: 'y' };
  const source = [connect({ seq: 1 }), lost];
  const all = [];
  for await (const event of events(source as never, apply({ each }))) all.push(event);
  assert.deepEqual(all, [connect({ seq: 7 }), lost]);
  const types: string[] = [];
  const note = ({ type }: { type: string }) => types.push(type) > 0;
  await pipeline(source as never, apply({ each: note, types: ['lost'] }), apply({ each: note, types: 'lost,dns' }));
  assert.deepEqual(types, ['lost', 'lost']);
});

test('sinkTable prints each line, with the options of the command', async () => {
  const lines: string[] = [];
  const print = (line: string) => void lines.push(line);
  await pipeline(
    [connect(), connect({ id: '4243', daddr: '192.0.2.2' })],
    sinkTable({ print, columns: ['daddr', 'dport'] }),
  );
  assert.deepEqual(
    lines.map((line) => line.trim().split(/ +/)),
    [
      ['DADDR', 'DPORT'],
      ['192.0.2.1', '443'],
      ['192.0.2.2', '443'],
    ],
  );
  assert.throws(() => sinkTable({ type: 'ftp' }), /invalid type "ftp": use/);
});

test('without print, sinkTable prints to standard output', () => {
  const code = `import { pipeline, sinkTable } from '${root}dist/index.js';
await pipeline([${JSON.stringify(connect())}], sinkTable({ columns: 'dport' }));`;
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
  assert.deepEqual(out.trimEnd().split('\n'), ['DPORT', '443']);
});

test('sinkMetrics counts', async (t) => {
  const target = join(folder(t), 'connections.prom');
  const ended = { type: 'outcome', start: connect().ts, result: 'established', latency_us: 700 };
  await pipeline([{ ...connect(), ...ended }], sinkMetrics({ target, by: ['comm', 'dport'] }));
  const row = 'synpipe_attempts_total{file="connections",comm="curl",dport="443",result="established"} 1';
  assert.ok(readFileSync(target, 'utf8').split('\n').includes(row));
});

test('sinkWeb calls onListening with the URL', async () => {
  let ended: Promise<unknown> | undefined;
  const url = await new Promise<string>((onListening) => {
    const stage = sinkWeb({ listen: '127.0.0.1:0', onListening });
    ended = pipeline([connect()], stage).finally(() => onListening('not called'));
    stage.control?.asked?.();
  });
  assert.match(url, /^http:\/\/127\.0\.0\.1:\d+\/$/);
  await ended;
});
