import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import packet from 'dns-packet';
import { enrich } from '../../../transforms/enrich.js';
import { connect } from '../../support/events.js';
import { answer, responder } from '../../support/responder.js';
import { Session } from '../../support/session.js';
import { nameserver } from './nameserver.js';

const session = (t: TestContext, given: object) =>
  new Session(t, enrich({ with: 'names', wait: '30000ms', etc: '/nonexistent', ...given } as never));

/** Asks for one address repeatedly, until its name changes or at most `most` times. */
async function renamed(one: Session, most: number): Promise<unknown[]> {
  const names = new Set<unknown>();
  for (let tries = 0; tries < most && names.size < 2; tries++) {
    names.add((await one.ask(connect())).name);
    await sleep(50);
  }
  return [...names];
}

test('an answer is valid for its TTL, within the bounds', async (t) => {
  const server = await responder(t);
  const resolver = server.address;
  const withTtl = (ttl: number) => {
    server.asked = 0;
    server.reply = (query) => [answer(query, [{ data: `name-${server.asked}.example`, ttl }])];
  };
  withTtl(1);
  assert.deepEqual(await renamed(session(t, { resolver, minTtl: 0 }), 1000), ['name-1.example', 'name-2.example']);
  withTtl(3600);
  assert.deepEqual(await renamed(session(t, { resolver, minTtl: 0, maxTtl: 1 }), 1000), [
    'name-1.example',
    'name-2.example',
  ]);
  withTtl(0);
  assert.deepEqual(await renamed(session(t, { resolver, minTtl: 3600 }), 10), ['name-1.example']);
  assert.equal(server.asked, 1);
});

test('a real server: a name is asked for again after its TTL, not before', async (t) => {
  const server = await nameserver(t);
  const one = session(t, { resolver: server.resolver, minTtl: 0 });
  const long = async () => (await one.ask(connect({ daddr: '192.0.2.1' }))).name;
  const short = async () => (await one.ask(connect({ daddr: '192.0.2.7' }))).name;
  assert.deepEqual([await long(), await short()], ['one.example', 'short.example']);
  await server.stop();
  server.rename('one', 'new-one');
  server.rename('short', 'new-short');
  await server.start();
  const found = new Set<unknown>();
  for (let tries = 0; tries < 1000 && !found.has('new-short.example'); tries++) {
    found.add(await short());
    await sleep(20);
  }
  assert.deepEqual([...found].at(-1), 'new-short.example');
  assert.equal(await long(), 'one.example');
});

test('a missing name is cached for the time that the server gives; so is a failure', async (t) => {
  const server = await responder(t);
  for (const rcode of [3, 0, 2]) {
    server.asked = 0;
    server.reply = (query) => [answer(query, [], { rcode })];
    const one = session(t, { resolver: server.address, minTtl: 3600 });
    for (let i = 0; i < 5; i++) assert.equal('name' in (await one.ask(connect())), false);
    assert.equal(server.asked, 1, `rcode ${rcode}`);
  }
});

test('one look-up per address, however many events wait for it', async (t) => {
  const server = await responder(t);
  let go = () => {};
  const asked = new Promise<void>((resolve) => {
    go = resolve;
  });
  let answerNow = () => {};
  const held = new Promise<void>((resolve) => {
    answerNow = resolve;
  });
  server.reply = async (query) => {
    go();
    await held;
    return [answer(query, [{ data: 'one.example' }])];
  };
  const one = session(t, { resolver: server.address });
  one.send(...Array.from({ length: 100 }, (_, i) => connect({ seq: i + 1 })));
  const first = one.take(); // the stage runs only once its output is read
  await asked;
  answerNow();
  for (let i = 0; i < 100; i++) {
    const event = await (i === 0 ? first : one.take());
    assert.deepEqual([event?.seq, event?.name], [i + 1, 'one.example']);
  }
  assert.equal(server.asked, 1);
});

test('events wait for a look-up once: later ones do not wait the whole time again', async (t) => {
  const server = await responder(t);
  let now = 1_000;
  t.mock.method(performance, 'now', () => now);
  const one = session(t, { resolver: server.address, wait: '60000ms', timeout: '60000ms' });
  one.send(connect({ seq: 1 }));
  const first = one.take();
  while (server.asked === 0) await sleep(5);
  now += 60_000;
  one.send(connect({ seq: 2 }));
  for (const [i, event] of [await first, await one.take(), await one.ask(connect({ seq: 3 }))].entries()) {
    assert.deepEqual([event?.seq, event?.name], [i + 1, undefined]);
  }
  assert.equal(server.asked, 1, 'the look-up is still in progress');
});

test('forged replies are ignored: from elsewhere, to another question, with another ID, or not an answer', async (t) => {
  const server = await responder(t);
  const forger = createSocket('udp4');
  await new Promise<void>((resolve) => forger.bind(0, '127.0.0.2', resolve));
  t.after(() => forger.close());
  const lie = [{ data: 'forged.example' }];
  server.socket.prependListener('message', (message, from) => {
    forger.send(answer(packet.decode(message), lie), from.port, from.address, () => {});
  });
  server.reply = async (query) => {
    await sleep(20); // lets the forged reply from elsewhere arrive first
    const id = (query.id as number) ^ 1;
    return [
      answer(query, lie, { id }),
      answer(query, lie, { name: '9.9.9.9.in-addr.arpa' }),
      packet.encode({ type: 'query', id: query.id as number, questions: query.questions ?? [] }),
      Buffer.from([1, 2, 3]),
      answer(query, [{ data: 'true.example' }]),
    ];
  };
  const { name } = await session(t, { resolver: server.address }).ask(connect());
  assert.equal(name, 'true.example');
});

test('the next server is asked if one fails or does not answer', async (t) => {
  const [silent, failing, good] = [await responder(t), await responder(t), await responder(t)];
  failing.reply = (query) => [answer(query, [], { rcode: 2 })];
  good.reply = (query) => [answer(query, [{ data: 'one.example' }])];
  const resolver = [silent, failing, good].map(({ address }) => address);
  const { name } = await session(t, { resolver, timeout: '500ms' }).ask(connect());
  assert.equal(name, 'one.example');
  assert.deepEqual([silent.asked, failing.asked, good.asked], [1, 1, 1]);
});

test('a server that stops answering is no longer asked, and is used again once it is back', async (t) => {
  const server = await nameserver(t);
  const { resolver } = server;
  const one = session(t, { resolver, wait: '100ms', timeout: '20ms', maxTtl: 0, minTtl: 0 });
  const untilNamed = async (wanted: boolean, what: string) => {
    for (let tries = 0; tries < 2_000; tries++) {
      const { name } = await one.ask(connect());
      if ((name === 'one.example') === wanted) return;
      await sleep(10);
    }
    assert.fail(what);
  };
  await untilNamed(true, 'named');
  await server.stop();
  await untilNamed(false, 'no name while it is dead');
  // The first of these time out one after the other. The rest find that the server is silent, and do not ask.
  const many = Array.from({ length: 200 }, (_, i) => connect({ seq: i + 1, daddr: `192.0.2.${100 + (i % 100)}` }));
  one.send(...many);
  for (let i = 0; i < many.length; i++) assert.equal((await one.take())?.seq, i + 1);
  await server.start();
  await untilNamed(true, 'named again');
});

test('an address without a name because its server was silent is asked for once the server is back', async (t) => {
  const server = await responder(t);
  const one = session(t, { resolver: [server.address], wait: '0ms', timeout: '20ms' });
  const pass = async (first: number) => {
    const events = Array.from({ length: 64 }, (_, i) => connect({ seq: i + 1, daddr: `192.0.2.${first + i}` }));
    one.send(...events);
    for (let i = 0; i < events.length; i++) assert.equal((await one.take())?.name, undefined);
  };
  await pass(1);
  await sleep(100);
  const { asked } = server;
  await pass(128); // for these the server is not even asked
  assert.ok(server.asked - asked <= 1, `${server.asked - asked}`);
  server.reply = (query) => [answer(query, [{ data: 'one.example' }])];
  let name: unknown;
  for (let tries = 0; tries < 500 && name === undefined; tries++) {
    one.send(connect({ daddr: '192.0.2.128' }), connect({ daddr: '192.0.2.150' })); // the first one probes the server
    ({ name } = (await one.take()) ?? {});
    await one.take();
    await sleep(10);
  }
  assert.equal(name, 'one.example');
  let other: unknown; // this one had no answer either
  for (let tries = 0; tries < 500 && other === undefined; tries++) {
    other = (await one.ask(connect({ daddr: '192.0.2.150' }))).name;
    await sleep(10);
  }
  assert.equal(other, 'one.example');
});
