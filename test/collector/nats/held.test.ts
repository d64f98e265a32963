import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { assertAll, numbered, seqsIn } from '../../support/lines.js';
import { NatsServer } from '../../support/nats.js';
import { folder, killGroup, size, start } from '../../support/process.js';
import { Receiver } from '../../support/receiver.js';
import { answer, responder } from '../../support/responder.js';
import { shell } from '../../support/shell.js';

async function stream(t: TestContext): Promise<NatsServer> {
  const server = await NatsServer.start(t);
  assert.equal((await shell(`sink-nats --create-stream CONN ${server.url}`, folder(t))).code, 0);
  return server;
}

const publish = async (server: NatsServer, dir: string, from: number, to: number) =>
  assert.equal((await shell(`sink-nats ${server.url}`, dir, numbered(from, to))).code, 0);

/** Waits until the consumer is in this state. Returns how many events the worker holds unacknowledged. */
async function waitFor(server: NatsServer, what: { left: number; unacknowledged?: number }): Promise<number> {
  const { nc, jsm } = await server.client();
  for (;;) {
    const info = await jsm.consumers.info('CONN', 'synpipe').catch(() => undefined);
    const held = info?.num_ack_pending ?? -1;
    if (info?.num_pending === what.left && (what.unacknowledged ?? held) === held) {
      await nc.close();
      return held;
    }
    await sleep(20);
  }
}

/** Publishes in two parts, so that the worker reads again after it holds the first events. */
async function twoParts(server: NatsServer, dir: string): Promise<void> {
  await publish(server, dir, 1, 10);
  await waitFor(server, { left: 0 });
  await publish(server, dir, 11, 20);
  await waitFor(server, { left: 0 });
  await publish(server, dir, 21, 21);
  await waitFor(server, { left: 0 });
  await sleep(500); // time for acknowledgements that must not come
}

const run = (server: NatsServer, rest: string, more = '') =>
  `exec synpipe run 'source-nats --ack-wait 1s ${more} ${server.url} CONN | ${rest}'`;

/** Returns what the stream still has for a second worker. */
async function second(t: TestContext, server: NatsServer, dir: string): Promise<number[]> {
  const worker = start(t, ['bash', '-c', run(server, 'sink-file second')], dir);
  await waitFor(server, { left: 0, unacknowledged: 0 });
  worker.child.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  return seqsIn(join(dir, 'second'));
}

const all = Array.from({ length: 21 }, (_, i) => i + 1);
const sorted = (seqs: Iterable<number>) => [...new Set(seqs)].sort((a, b) => a - b);
const waits = '--wait 60s --timeout 60s --private --with names';

for (const behind of ['', 'filter --dport 443 | ']) {
  test(`after kill -9 while enrich holds events${behind && ', after another stage'}, a second worker gets them`, async (t) => {
    const [server, dns, dir] = [await stream(t), await responder(t), folder(t)];
    const stages = `${behind}enrich --resolver ${dns.address} ${waits} | sink-file first`;
    const { child, ended } = start(t, ['bash', '-c', run(server, stages)], dir);
    await twoParts(server, dir);
    assert.equal(size(join(dir, 'first')), 0, 'enrich holds all');
    killGroup(child);
    await ended;
    assert.deepEqual(sorted(await second(t, server, dir)), all);
  });
}

test('after kill -9 of a sink-http without a spool, a second worker gets what was not delivered', async (t) => {
  const [server, dir] = [await stream(t), folder(t)];
  const receiver = await Receiver.start(t, () => {}); // it never answers
  const { child, ended } = start(t, ['bash', '-c', run(server, `sink-http --batch-lines 4 ${receiver.url}`)], dir);
  await twoParts(server, dir);
  assert.ok(receiver.got.length > 0, 'under way');
  killGroup(child);
  await ended;
  assert.deepEqual(sorted(await second(t, server, dir)), all);
});

test('held events are acknowledged once written, even if no more input arrives', async (t) => {
  const [server, dns, dir] = [await stream(t), await responder(t), folder(t)];
  const receiver = await Receiver.start(t);
  const held = `enrich --resolver ${dns.address} --private --with names --wait 300ms --timeout 60s`;
  const stages = `${held} | sink-http --batch-time 300ms ${receiver.url}`;
  const { child, ended } = start(t, ['bash', '-c', run(server, stages)], dir);
  await publish(server, dir, 1, 21);
  await waitFor(server, { left: 0, unacknowledged: 0 });
  assert.equal(
    receiver.got.reduce((lines, { body }) => lines + body.split('\n').length - 1, 0),
    21,
  );
  child.kill('SIGTERM');
  assert.deepEqual(await ended, { code: 0, signal: null, stderr: '' });
});

test('more events than one request asks for keep flowing while enrich holds them', async (t) => {
  const [server, dns, dir] = [await stream(t), await responder(t), folder(t)];
  let answerNow = () => {};
  const allowed = new Promise<void>((resolve) => {
    answerNow = resolve;
  });
  dns.reply = async (query) => {
    await allowed;
    return [answer(query, [{ data: 'a.example' }])];
  };
  const batch = `source-nats --batch 10 ${server.url} CONN`;
  const stages = `${batch} | enrich --resolver ${dns.address} ${waits} | sink-file first`;
  const { child, ended } = start(t, ['bash', '-c', `exec synpipe run '${stages}'`], dir);
  await publish(server, dir, 1, 100);
  assert.equal(await waitFor(server, { left: 0 }), 100, 'none is acknowledged yet');
  answerNow();
  await waitFor(server, { left: 0, unacknowledged: 0 });
  assertAll(seqsIn(join(dir, 'first')), 100);
  child.kill('SIGTERM');
  assert.equal((await ended).code, 0);
});

test('if a later stage fails, what it had not written is given back', async (t) => {
  const [server, dir] = [await stream(t), folder(t)];
  await publish(server, dir, 1, 10);
  const failed = await shell(run(server, 'sink-file /dev/full', '--count 5'), dir);
  assert.equal(failed.code, 1);
  assert.deepEqual(sorted(await second(t, server, dir)), all.slice(0, 10));
});

test('sink-http with a spool: spooled events are acknowledged, and the next run delivers them', async (t) => {
  const [server, dir] = [await stream(t), folder(t)];
  const receiver = await Receiver.start(t, () => {});
  const stages = `sink-http --spool spool --batch-time 60s ${receiver.url}`;
  const { child, ended } = start(t, ['bash', '-c', run(server, stages)], dir);
  await publish(server, dir, 1, 21);
  await waitFor(server, { left: 0, unacknowledged: 0 });
  killGroup(child);
  await ended;
  receiver.behaviour = (_, response) => void response.end();
  assert.equal((await shell(`sink-http --spool spool ${receiver.url}`, dir)).code, 0);
  const bodies = receiver.got.map(({ body }) => body).join('');
  assert.deepEqual(
    sorted(
      bodies
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).seq as number),
    ),
    all,
  );
});
