import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { assertAll, numbered, seqsIn } from '../support/lines.js';
import { folder, killGroup, size, start, until } from '../support/process.js';

const counting = `
const { writeSync, writeFileSync } = require('node:fs');
let seq = 0, stop = false;
for (const signal of ['SIGINT', 'SIGHUP']) process.on(signal, () => { stop = true; });
const line = (n) => ${JSON.stringify(numbered(1, 1))}.replace('"seq":1,', '"seq":' + n + ',');
(function more() {
  for (let i = 0; i < 100; i++) writeSync(1, line(++seq));
  if (!stop) return void setTimeout(more, 1);
  for (let i = 0; i < 5000; i++) writeSync(1, line(++seq)); // what a collector writes while draining
  writeFileSync('sent', String(seq));
})();`;

const consumers = {
  'a pipeline': ['filter | validate | sink-file out.ndjson', '0 0 0 0'],
  'a fused pipeline': ["synpipe run 'filter | validate | sink-file out.ndjson'", '0 0'],
};
const ends = { 'Ctrl-C': 'SIGINT', 'a terminal that goes away': 'SIGHUP' } as const;
const both = Object.entries(ends).flatMap(([how, signal]) =>
  Object.entries(consumers).map(([name, consumer]) => [`${how} on ${name}`, signal, ...consumer] as const),
);
for (const [name, signal, consumer, codes] of both) {
  test(`${name}: everything that the producer wrote arrives`, async (t) => {
    const dir = folder(t);
    writeFileSync(join(dir, 'producer.cjs'), counting);
    const line = `node producer.cjs | ${consumer}; echo \${PIPESTATUS[*]} > codes`;
    const { child, ended } = start(t, ['bash', '-c', `trap : INT HUP; ${line}`], dir);
    await until('lines to arrive', () => size(join(dir, 'out.ndjson')) > 100_000);
    killGroup(child, signal);
    const { stderr } = await ended;
    assert.equal(stderr, '');
    assert.equal(readFileSync(join(dir, 'codes'), 'utf8'), `${codes}\n`);
    assertAll(seqsIn(join(dir, 'out.ndjson')), Number(readFileSync(join(dir, 'sent'), 'utf8')));
  });
}

test('a stage in a pipe ignores the first SIGINT; the second ends it', async (t) => {
  const dir = folder(t);
  const { child, ended } = start(t, ['filter'], dir);
  let out = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    out += text;
  });
  child.stdin?.write(numbered(1, 1));
  await until('the first line', () => out === numbered(1, 1));
  child.kill('SIGINT');
  child.stdin?.write(numbered(2, 2));
  await until('the line after the signal', () => out === numbered(1, 2));
  child.kill('SIGINT');
  assert.deepEqual(await ended, { code: null, signal: 'SIGINT', stderr: '' });
});

for (const command of [['sink-file', 'out'], ['filter'], ['synpipe', 'run', 'filter | sink-file out']]) {
  test(`SIGTERM ends an idle ${command.join(' ')}, with everything stored`, async (t) => {
    const dir = folder(t);
    const { child, ended } = start(t, command, dir);
    let out = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    const stored = () => (command[0] === 'filter' ? out : readFileSync(join(dir, 'out'), 'utf8'));
    child.stdin?.write(numbered(1, 1));
    await until('the first line', () => (command[0] === 'filter' ? out.length : size(join(dir, 'out'))) > 0);
    child.stdin?.write(numbered(2, 5000));
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: null, signal: 'SIGTERM', stderr: '' });
    assert.equal(stored(), numbered(1, 5000));
  });
}

for (const how of ['enrich', 'synpipe run'])
  test(`SIGTERM while ${how} waits for a name: the held events are written without one`, async (t) => {
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    t.after(() => silent.close());
    await once(silent, 'listening');
    const argv = [
      'enrich',
      `--resolver=127.0.0.1:${silent.address().port}`,
      '--private',
      '--wait=60s',
      '--timeout=60s',
    ];
    const command = how === 'enrich' ? argv : ['synpipe', 'run', `${argv.join(' ')} | filter`];
    const { child, ended } = start(t, command, folder(t));
    let out = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      out += text;
    });
    child.stdin?.write(numbered(1, 5));
    await once(silent, 'message');
    child.kill('SIGTERM');
    assert.deepEqual(await ended, { code: null, signal: 'SIGTERM', stderr: '' });
    assert.deepEqual(
      out
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line).seq),
      [1, 2, 3, 4, 5],
    );
  });

test('SIGTERM shortly before the end of input: reads to the end and exits with 0', async (t) => {
  const dir = folder(t);
  const { child, ended } = start(t, ['sink-file', 'out'], dir);
  child.stdin?.write(numbered(1, 1));
  await until('the first line', () => size(join(dir, 'out')) > 0);
  child.kill('SIGTERM');
  child.stdin?.end(numbered(2, 5000));
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assertAll(seqsIn(join(dir, 'out')), 5000);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} leaves an input file unchanged`, async (t) => {
    const dir = folder(t);
    const path = join(dir, 'events.ndjson');
    writeFileSync(path, numbered(1, 10));
    const command = ['sink-http', '--spool', 'spool', 'http://127.0.0.1:9/'];
    const { child, ended } = start(t, command, dir, [openSync(path, 'r'), 'ignore', 'pipe']);
    let said = '';
    child.stderr?.on('data', (text) => {
      said += text;
    });
    await until('the first try', () => said.includes('trying again'));
    child.kill(signal);
    assert.equal((await ended).code, 0);
    assert.equal(readFileSync(path, 'utf8'), numbered(1, 10));
  });
}

test('SIGHUP: a file that was moved away keeps its lines, later lines go to a new file', async (t) => {
  const dir = folder(t);
  const [path, moved] = [join(dir, 'out'), join(dir, 'out.1')];
  const { child, ended } = start(t, ['sink-file', 'out'], dir);
  child.stdin?.write(numbered(1, 10));
  await until('the first lines', () => size(path) === numbered(1, 10).length);
  renameSync(path, moved);
  child.stdin?.write(numbered(11, 20));
  await until('lines in the moved file', () => size(moved) === numbered(1, 20).length);
  child.kill('SIGHUP');
  await until('the new file', () => size(path) === 0 && readable(path));
  child.stdin?.end(numbered(21, 30));
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assert.equal(readFileSync(moved, 'utf8'), numbered(1, 20));
  assert.equal(readFileSync(path, 'utf8'), numbered(21, 30));
});

function readable(path: string): boolean {
  try {
    readFileSync(path);
    return true;
  } catch {
    return false;
  }
}
