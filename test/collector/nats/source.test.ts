import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { NatsSource } from '../../../collector/nats/source.js';
import { assertAll, format, numbered, seqsIn, seqsOf, seqsUntilNow } from '../../support/lines.js';
import { NatsServer } from '../../support/nats.js';
import { folder, killGroup, size, start, undo, until } from '../../support/process.js';
import { shell } from '../../support/shell.js';

/** Starts a server with a stream of `count` events. */
async function stream(t: TestContext, count: number, config = ''): Promise<NatsServer> {
  const server = await NatsServer.start(t, config);
  const { code, stderr } = await shell(`sink-nats --create-stream CONN ${server.url}`, folder(t), numbered(1, count));
  assert.equal(code, 0, stderr);
  if (stderr) t.diagnostic(stderr); // resent events may be out of order
  return server;
}

async function state(server: NatsServer, durable = 'synpipe') {
  const { nc, jsm } = await server.client();
  const info = await jsm.consumers.info('CONN', durable);
  await nc.close();
  return { left: info.num_pending, unacknowledged: info.num_ack_pending, acknowledged: info.ack_floor.stream_seq };
}

const done = (count: number) => ({ left: 0, unacknowledged: 0, acknowledged: count });
/** Waits until a worker asks for more than the stream has, and everything is written and acknowledged. */
async function drained(server: NatsServer): Promise<void> {
  const { nc, jsm } = await server.client();
  for (let isDrained = false; !isDrained; await sleep(20)) {
    const { num_waiting, num_pending, num_ack_pending } = await jsm.consumers.info('CONN', 'synpipe');
    isDrained = num_waiting > 0 && num_pending + num_ack_pending === 0;
  }
  await nc.close();
}

/** Returns what the stream still has, read by a worker that takes all of it. */
async function rest(t: TestContext, server: NatsServer, dir: string): Promise<number[]> {
  const { child, ended } = start(t, ['bash', '-c', `exec source-nats ${server.url} CONN > rest`], dir);
  await drained(server);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  return seqsIn(join(dir, 'rest'));
}

const sorted = (...parts: number[][]) => parts.flat().sort((a, b) => a - b);

test('every event is written once, in order, and acknowledged; the next run continues after it', async (t) => {
  const server = await stream(t, 5_000);
  const first = await shell(`source-nats --count 3000 ${server.url} CONN`, folder(t));
  assert.deepEqual([first.stderr, first.code], ['', 0]);
  assertAll(seqsOf(first.stdout), 3_000);
  assert.equal((await state(server)).acknowledged, 3_000);
  const second = await shell(`source-nats --count 2000 ${server.url} CONN`, folder(t));
  assert.deepEqual([second.stderr, second.code], ['', 0]);
  assertAll([...seqsOf(first.stdout), ...seqsOf(second.stdout)], 5_000);
  assert.deepEqual(await state(server), done(5_000));
});

test('several workers share the events', async (t) => {
  const server = await stream(t, 0);
  const dir = folder(t);
  const worker = (name: string) =>
    start(t, ['bash', '-c', `exec source-nats --batch 100 ${server.url} CONN > ${name}`], dir);
  const names = ['one', 'two', 'three'];
  const workers = names.map(worker);
  const { jsm } = await server.client();
  const waiting = () =>
    jsm.consumers.info('CONN', 'synpipe').then(
      ({ num_waiting }) => num_waiting,
      () => 0, // the consumer does not exist yet
    );
  while ((await waiting()) < names.length) await sleep(20);
  assert.equal((await shell(`sink-nats ${server.url}`, dir, numbered(1, 6_000))).code, 0);
  const lines = (name: string) => readFileSync(join(dir, name), 'latin1').split('\n').length - 1;
  await until('all of them', () => names.reduce((sum, name) => sum + lines(name), 0) >= 6_000);
  for (const { child } of workers) child.kill('SIGTERM');
  for (const { ended } of workers) assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  const got = names.map((name) => seqsIn(join(dir, name)));
  for (const seqs of got) assert.ok(seqs.length > 0, 'each worker got some events');
  assertAll(sorted(...got), 6_000);
});

test('after a reader exits, another worker gets at once what had not been written to its pipe', async (t) => {
  const server = await stream(t, 20_000);
  const dir = folder(t);
  const first = await shell(`source-nats ${server.url} CONN | head -500`, dir);
  assert.deepEqual([first.stderr, first.code], ['', 0]);
  const second = [...new Set(await rest(t, server, dir))]; // on a busy machine the server may resend some
  const unread = Math.min(...second) - 501; // left in the pipe, or read by head beyond its last line
  assert.ok(unread * format.length < 2 * 65_536, `${unread} lines`);
  assertAll(
    sorted(second).map((seq) => seq - 500 - unread),
    19_500 - unread,
  );
});

test('after kill -9 of a worker, events it had taken but not written are redelivered after --ack-wait', async (t) => {
  const server = await stream(t, 30_000);
  const dir = folder(t);
  execFileSync('mkfifo', [join(dir, 'one')]);
  const { child, ended } = start(t, ['bash', '-c', `exec source-nats --ack-wait 1s ${server.url} CONN > one`], dir);
  let written = '';
  const reader = createReadStream(join(dir, 'one'), 'latin1').on('data', (part) => {
    written += part;
    if (written.length > 100_000 && !child.killed) reader.pause(); // so that it is killed half-way
  });
  await until('some output', () => written.length > 100_000);
  child.kill('SIGKILL');
  await ended;
  reader.resume();
  await once(reader, 'end');
  const one = seqsOf(written.slice(0, written.lastIndexOf('\n') + 1));
  assert.ok(one.length < 30_000, 'the worker was killed half-way');
  assertAll([...new Set(sorted(one, await rest(t, server, dir)))], 30_000);
  assert.deepEqual(await state(server), done(30_000));
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal}: exits with 0, and what it has written is not redelivered`, async (t) => {
    const server = await stream(t, 30_000);
    const dir = folder(t);
    const { child, ended } = start(t, ['bash', '-c', `exec source-nats ${server.url} CONN > one`], dir);
    await until('some output', () => size(join(dir, 'one')) > 100_000);
    child.kill(signal);
    assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
    assertAll(sorted(seqsIn(join(dir, 'one')), await rest(t, server, dir)), 30_000);
  });
}

test('synpipe run: kill -9 of a whole pipeline at random points loses no event that its file does not have', async (t) => {
  const server = await stream(t, 30_000);
  const dir = folder(t);
  const line = (more = '') =>
    `exec synpipe run 'source-nats --ack-wait 1s ${more} ${server.url} CONN | filter --comm curl | sink-file out'`;
  for (let round = 0; round < 3; round++) {
    const before = size(join(dir, 'out'));
    const { child, ended } = start(t, ['bash', '-c', line('--count 9000')], dir); // so that each round has some events left
    await until('some output', () => size(join(dir, 'out')) > before);
    await sleep(30 * Math.random());
    killGroup(child);
    await ended;
  }
  const { child, ended } = start(t, ['bash', '-c', line()], dir);
  await drained(server);
  child.kill('SIGTERM');
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
  assertAll([...new Set(sorted(seqsIn(join(dir, 'out'))))], 30_000);
});

test('a reader slower than --ack-wait does not get events twice', async (t) => {
  const server = await stream(t, 10_000);
  const slow = `source-nats --ack-wait 2s --count 10000 ${server.url} CONN | (sleep 5; cat)`;
  const { stdout, code } = await shell(slow, folder(t));
  assert.equal(code, 0);
  assertAll(seqsOf(stdout), 10_000);
});

test('at most twice --batch events are buffered, however they are read', async (t) => {
  const server = await stream(t, 1_000);
  const { reach, where } = { reach: { servers: [server.url.slice(7)], tls: false }, where: server.url };
  const wanted = { command: 'source-nats', where, stream: 'CONN', durable: 'synpipe', ackWait: 30_000 };
  const source = new NatsSource({ ...wanted, reach, batch: 100, count: Number.POSITIVE_INFINITY });
  undo(t, () => source.end(false));
  const unacknowledged = async () => {
    await sleep(300); // time for the events that the worker has asked for
    return (await state(server)).unacknowledged;
  };
  for (const [at, lines] of [1, 49, 500].entries()) {
    const bytes = await source.read(Buffer.alloc(lines * (format.length + 2)));
    assert.ok(bytes > 0);
    source.released(at + 1);
    const held = await unacknowledged();
    assert.ok(held <= 200, `${held} after ${lines}`);
  }
});

test('the worker continues after its server is killed and restarted', async (t) => {
  const server = await stream(t, 500);
  const dir = folder(t);
  const { child, ended } = start(t, ['bash', '-c', `exec source-nats --ack-wait 1s ${server.url} CONN > out`], dir);
  await until('the first events', () => size(join(dir, 'out')) > 0);
  await server.down();
  await sleep(300);
  await server.up();
  assert.equal((await shell(`sink-nats ${server.url}`, dir, numbered(501, 1_000))).code, 0);
  await until('all of them', () => new Set(seqsUntilNow(join(dir, 'out'))).size === 1_000);
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.equal(code, 0);
  assert.match(
    stderr,
    /^source-nats: 127\.0\.0\.1:\d+: the connection is lost; trying again\n(source-nats: [^\n]*working again\n)?$/,
  );
});

test('the worker waits for an answer about the consumer while the server restarts', async (t) => {
  const alone = `server_name: one\ncluster { name: c, listen: "127.0.0.1:-1", routes: [ "nats://127.0.0.1:1" ] }`;
  const server = await NatsServer.start(t, alone); // part of a cluster without a leader: it does not answer
  await server.down();
  const { child, ended } = start(t, ['bash', '-c', `exec source-nats ${server.url} CONN`], folder(t));
  let said = '';
  child.stderr?.on('data', (text) => {
    said += text;
  });
  await until('the first try', () => /ECONNREFUSED; trying again/.test(said));
  await server.up();
  const asked = async () => {
    const { nc } = await server.client({ maxReconnectAttempts: 0 });
    for await (const _ of nc.subscribe('$JS.API.CONSUMER.INFO.>', { max: 1 })) return;
  };
  await asked();
  await server.down();
  await server.up();
  await Promise.race([ended, asked()]);
  child.kill('SIGTERM');
  const { code, stderr } = await ended;
  assert.deepEqual([code, stderr.split('\n').length], [0, 2], stderr);
});

test('messages from other publishers (several lines, a long line, not an event) are each acknowledged', async (t) => {
  const server = await stream(t, 0);
  const { nc, jsm } = await server.client();
  const long = numbered(3, 3)
    .trim()
    .replace('}', `,"note":"${'x'.repeat(600_000)}"}`);
  const publish = async (data: string) => jsm.jetstream().publish('conn.a.b', data);
  for (const data of [numbered(1, 2), long, 'hello', '', numbered(4, 4)]) await publish(data);
  await nc.close();
  const { stdout, stderr, code } = await shell(`source-nats --count 5 ${server.url} CONN`, folder(t));
  assert.deepEqual(seqsOf(stdout.replace(/^.*"lost".*\n/m, '')), [1, 2, 3, 4]);
  assert.equal(code, 1);
  assert.match(stderr, /^source-nats: line 4: not JSON: hello\nsource-nats: 1 of 5 lines invalid\n$/);
  assert.deepEqual(await state(server), done(5));
});

test('servers and streams that it cannot work with are reported in one line', async (t) => {
  const server = await stream(t, 3);
  const dir = folder(t);
  const fails = async (words: string) => {
    const { stdout, stderr, code } = await shell(`source-nats ${words}`, dir);
    assert.deepEqual([stdout, code], ['', 1]);
    return stderr.replace(String(server.port), 'PORT');
  };
  assert.equal(
    await fails(`${server.url} NONE`),
    'source-nats: 127.0.0.1:PORT: the stream NONE does not exist; check its name\n',
  );
  const { jsm } = await server.client();
  await jsm.consumers.add('CONN', { durable_name: 'push', deliver_subject: 'x', ack_policy: 'none' as never });
  assert.equal(
    await fails(`--durable push ${server.url} CONN`),
    'source-nats: 127.0.0.1:PORT: push is a push consumer; choose another name for --durable\n',
  );
  const { ended } = start(t, ['bash', '-c', `exec source-nats --durable gone ${server.url} CONN`], dir);
  for (let there = false; !there; await sleep(20))
    there = await jsm.consumers.info('CONN', 'gone').then(
      ({ num_ack_pending, num_pending }) => num_pending + num_ack_pending === 0,
      () => false,
    );
  await jsm.consumers.delete('CONN', 'gone');
  const { code, stderr } = await ended;
  assert.equal(code, 1);
  assert.match(stderr, /cannot use the consumer gone of CONN: it is gone; /);
});

test('if the server is not a NATS server, no text of the NATS client appears among the events', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).write('INFO {"max_payload":1}\r\nHELO\r\n'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const { stdout, stderr, code } = await shell(`source-nats --idle 100ms 127.0.0.1:${port} CONN`, folder(t));
  assert.deepEqual([stdout, code], ['', 1]);
  assert.match(stderr, /^(source-nats: 127\.0\.0\.1:\d+: no answer in time; [^\n]*\n)+$/);
});
