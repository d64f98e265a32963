import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect, ndjson } from '../../support/events.js';
import { assertAll, format, numbered } from '../../support/lines.js';
import { NatsServer, natsCluster, seqs } from '../../support/nats.js';
import { folder, killGroup, proc, start, undo, until } from '../../support/process.js';
import { shell } from '../../support/shell.js';

const trying = /^(sink-nats: 127\.0\.0\.1:\d+: [^\n]*(; trying again|working again)\n)+$/;
/** The message about a retry of events that had already arrived. */
const already = /sink-nats: the stream already had \d+ lines?; each is stored only once\n/;

test('events that are not retried are stored in input order, from a file and a pipe, with and without a spool', async (t) => {
  const server = await NatsServer.start(t);
  const dir = folder(t);
  writeFileSync(join(dir, 'in'), numbered(1, 20_000));
  for (const [stream, line] of Object.entries({
    FILE: `sink-nats --subject FILE.x --create-stream FILE ${server.url} < in`,
    PIPE: `cat in | sink-nats --subject PIPE.x --create-stream PIPE ${server.url}`,
    SPOOL: `cat in | sink-nats --spool spool --subject SPOOL.x --create-stream SPOOL ${server.url}`,
  })) {
    assert.deepEqual(await shell(line, dir), { stdout: '', stderr: '', code: 0 }, stream);
    assertAll(
      (await server.stored(stream)).map(({ line: one }) => JSON.parse(one).seq),
      20_000,
    );
  }
});

test('a server that is killed and restarted during input: each event once, in input order except for retries', async (t) => {
  const server = await NatsServer.start(t);
  const line = `exec sink-nats --create-stream CONN --in-flight 500 ${server.url}`;
  const { child, ended } = start(t, ['bash', '-c', line], folder(t));
  const input = child.stdin as NodeJS.WritableStream;
  let [sent, over] = [0, false];
  const fed = (async () => {
    while (!over || sent < 60_000) {
      sent += 500;
      if (!input.write(numbered(sent - 499, sent))) await once(input, 'drain');
    }
    input.end();
  })();
  const { nc, jsm } = await server.client({ maxReconnectAttempts: -1, reconnectTimeWait: 20 }, 1_000);
  const count = () =>
    jsm.streams.info('CONN').then(
      ({ state }) => state.messages,
      () => 0,
    );
  for (let round = 1; round <= 3; round++) {
    for (const before = await count(); (await count()) <= before; ) await sleep(5);
    await server.down();
    await sleep(50);
    await server.up();
  }
  over = true;
  await fed;
  const { code, stderr } = await ended;
  await nc.close();
  assert.equal(code, 0, stderr);
  assert.match(stderr.replace(already, ''), trying);
  assertAll(seqs(await server.stored('CONN')), sent);
});

test('kill -9 at random points while the same file is sent repeatedly, with a spool: each event is stored once', async (t) => {
  const dir = folder(t);
  const server = await NatsServer.start(t);
  writeFileSync(join(dir, 'in'), numbered(1, 20_000));
  const line = `exec sink-nats --create-stream CONN --spool spool ${server.url} < in`;
  for (let round = 0; round < 5; round++) {
    const { child, ended } = start(t, ['bash', '-c', line], dir);
    await sleep(250 + 200 * Math.random());
    killGroup(child);
    await ended;
  }
  const { code, stderr } = await shell(line, dir);
  assert.equal(code, 0, stderr);
  assertAll(seqs(await server.stored('CONN')), 20_000);
  assert.deepEqual(readdirSync(join(dir, 'spool')), []);
});

test('without a server, input goes to the spool and the next run delivers it; events without seq are kept apart', async (t) => {
  const dir = folder(t);
  const server = await NatsServer.start(t);
  await server.down();
  const lost = { type: 'lost', v: 1, stage: 'collector', where: 'ring buffer', count: 7 };
  const input = numbered(1, 500) + ndjson(lost, lost, lost);
  const first = await shell(`sink-nats --timeout 2s --spool spool ${server.url}`, dir, input);
  assert.equal(first.code, 0);
  assert.match(
    first.stderr,
    /ECONNREFUSED; trying again\n.*: not everything was delivered; the rest stays in the spool\n$/,
  );
  await server.up();
  for (const _ of [1, 2]) {
    const next = await shell(`sink-nats --create-stream CONN --spool spool ${server.url}`, dir);
    assert.deepEqual(next, { stdout: '', stderr: '', code: 0 });
  }
  const stored = await server.stored('CONN');
  assertAll(seqs(stored.filter(({ subject }) => subject.endsWith('.connect'))), 500);
  assert.equal(stored.filter(({ subject }) => subject.endsWith('.lost')).length, 3);
});

test('a suspended server: bounded memory, the input waits, and everything is stored once it continues', async (t) => {
  const server = await NatsServer.start(t);
  const { nc, jsm } = await server.client();
  await jsm.streams.add({ name: 'CONN', subjects: ['conn.>'] });
  await nc.close();
  server.kill('SIGSTOP');
  undo(t, () => server.kill('SIGCONT'));
  const dir = folder(t);
  const line = `exec sink-nats --in-flight 2000 ${server.url} < <(seq -f '${format}' 60000; touch read)`;
  const { child, ended } = start(t, ['bash', '-c', line], dir);
  await sleep(1_500);
  assert.ok(!readdirSync(dir).includes('read'), 'the input waits');
  assert.ok(proc(child.pid, 'status', 'VmHWM') < 200_000, `${proc(child.pid, 'status', 'VmHWM')} kB`);
  server.kill('SIGCONT');
  assert.equal((await ended).code, 0);
  assertAll(seqs(await server.stored('CONN')), 60_000);
});

test('a full stream takes nothing until there is room: the input waits, nothing is lost', async (t) => {
  const server = await NatsServer.start(t);
  const { jsm } = await server.client();
  await jsm.streams.add({ name: 'CONN', subjects: ['conn.>'], max_msgs: 100, discard: 'new' as never });
  const { ended } = start(t, ['bash', '-c', `seq -f '${format}' 150 | sink-nats ${server.url}`], folder(t));
  const count = async () => (await jsm.streams.info('CONN')).state.messages;
  while ((await count()) < 100) await sleep(10);
  const first = seqs(await server.stored('CONN'));
  await jsm.streams.purge('CONN');
  const { code, stderr } = await ended;
  assert.equal(code, 0);
  assert.match(stderr, /maximum messages exceeded; trying again\n.*working again\n$/);
  assertAll(
    [...first, ...seqs(await server.stored('CONN'))].sort((a, b) => a - b),
    150,
  );
});

test('refused for good: too large for the server, or taken by no stream', async (t) => {
  const dir = folder(t);
  const server = await NatsServer.start(t, 'max_payload: 1024');
  const { jsm } = await server.client();
  await jsm.streams.add({ name: 'CONN', subjects: ['conn.*.connect'] });
  const input = ndjson(
    connect({ seq: 1 }),
    connect({ seq: 2, note: 'x'.repeat(2000) } as object),
    { type: 'strange' },
    connect({ seq: 3 }),
  );
  const letters = await shell(`sink-nats --on-reject dead ${server.url}`, dir, input);
  assert.deepEqual([letters.code, letters.stderr], [0, 'sink-nats: 2 lines rejected by the receiver\n']);
  const dead = readFileSync(join(dir, 'dead'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    dead.map(({ stage }) => stage),
    ['sink-nats', 'sink-nats'],
  );
  assert.match(
    dead
      .map(({ reason }) => reason)
      .sort()
      .join('\n'),
    /^.*max_payload.*\nno stream accepts conn\.[\w-]+\.strange$/,
  );
  assert.deepEqual(seqs(await server.stored('CONN')), [1, 3]);
  const fails = await shell(`sink-nats ${server.url}`, dir, ndjson({ type: 'strange' }));
  assert.equal(fails.code, 1);
  assert.match(
    fails.stderr,
    /^sink-nats: 1 line not delivered\nsink-nats: the receiver rejected events: no stream accepts conn\.[\w-]+\.strange; /,
  );
});

test('a cluster must say several times that no stream takes a subject: its leader may not know all streams yet', async (t) => {
  const [server] = (await natsCluster(t)) as [NatsServer];
  const dir = folder(t);
  const line = `printf '%s' '${numbered(1, 3)}' | sink-nats ${server.url}`;
  const { nc, jsm } = await server.client();
  const none = () =>
    jsm.getAccountInfo().then(
      ({ streams }) => streams === 0,
      () => false,
    );
  while (!(await none())) await sleep(100); // until it has a leader
  const asked = nc.subscribe('$JS.API.STREAM.NAMES', { max: 1 });
  await nc.flush();
  const { ended } = start(t, ['bash', '-o', 'pipefail', '-c', line], dir);
  for await (const _ of asked) break;
  await sleep(500); // time to receive the first answer
  await jsm.streams.add({ name: 'CONN', subjects: ['conn.>'], num_replicas: 3 });
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assertAll(seqs(await server.stored('CONN')), 3);
});

test('SIGTERM while a server is down, with a spool: exits at once, and nothing is lost', async (t) => {
  const dir = folder(t);
  const server = await NatsServer.start(t);
  const { nc, jsm } = await server.client();
  await jsm.streams.add({ name: 'CONN', subjects: ['conn.>'] });
  await nc.close();
  execFileSync('mkfifo', [join(dir, 'in')]);
  const { child, ended } = start(t, ['bash', '-c', `exec sink-nats --spool spool ${server.url} < in`], dir);
  const feeder = start(t, ['bash', '-c', 'exec cat > in'], dir);
  feeder.child.stdin?.write(numbered(1, 10));
  await until('a spool', () => readdirSync(dir).includes('spool'));
  await server.down();
  feeder.child.stdin?.write(numbered(11, 20));
  const read = (name: string) => {
    try {
      return readFileSync(join(dir, 'spool', name), 'latin1');
    } catch {
      return ''; // it has been renamed
    }
  };
  const spooled = () => readdirSync(join(dir, 'spool')).map(read);
  await until('the last line in the spool', () => spooled().some((text) => text.endsWith(numbered(20, 20))));
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
  await server.up();
  assert.equal((await shell(`sink-nats --spool spool ${server.url}`, dir)).code, 0);
  assertAll(seqs(await server.stored('CONN')), 20);
});
