import assert from 'node:assert/strict';
import type { Lost } from '../../dist/index.js';
import { asked, edns, flags, ip4, message, name, pointer, question, type RecordOf, record } from '../support/dns.js';
import { ask, dnsIn, type Exchange, exchange, fresh, inOrder, lookupFields, right, seeing } from './answers.js';
import { lostIn, ofType } from './collect.js';
import { live } from './live.js';
import { until } from './wait.js';

const host = 'host.test';
const at = ip4('192.0.2.1');
const failed = (rcode: string, error = rcode) => ({ name: host, rcode, error, server: '127.0.0.1', transport: 'udp' });
const nodata = failed('NOERROR', 'NODATA');
const ok = { name: host, addrs: ['192.0.2.1'], ttl: 300, server: '127.0.0.1', transport: 'udp' };

const a: RecordOf = { type: 'A', data: at };
const alias = (owner: Buffer, to: string | Buffer, ttl = 300) =>
  record({ owner, type: 'CNAME', data: typeof to === 'string' ? name(to) : to, ttl });
/** Answers the question for `host` with these records. */
const answer =
  (...records: Buffer[]) =>
  (id: number) => [message({ id, flags: flags.answer, questions: [question(name(host))], answers: records })];
const behind = 12 + question(name(host)).length; // where the first answer starts
const chain = (length: number) =>
  Array.from({ length }, (_, i) => alias(i ? name(`a${i}.test`) : asked, `a${i + 1}.test`));

/** This many compression pointers, each to the one before it, in a record of a type that is not read; then an address. */
function pointers(count: number): Buffer[] {
  const first = behind + 12;
  const hops = Array.from({ length: count }, (_, i) => pointer(first + 2 * i));
  const hidden = Buffer.concat([Buffer.from([0, 0]), ...hops]);
  return [record({ type: 'TXT', data: hidden }), record({ ...a, owner: pointer(first + 2 * count) }), record(a)];
}

type Case = [what: string, exchange: Exchange, events: object[], lost: number];
const of = (what: string, answers: (id: number) => Buffer[], events: object[], lost: number): Case => [
  what,
  ask(host, answers),
  events,
  lost,
];

/** A query whose name is arbitrary bytes. */
function odd(labels: Buffer[]): Exchange {
  const id = fresh();
  const questions = [question(name(labels))];
  const query = message({ id, questions });
  const reply = message({ id, flags: flags.answer, questions, answers: [record(a)] });
  return { query: query.toString('hex'), answers: [reply.toString('hex')] };
}

const cases: Case[] = [
  of('right', answer(record(a)), [ok], 0),
  of('compressed in a loop', answer(record({ ...a, owner: pointer(behind) })), [], 1),
  of('an alias compressed in a loop', answer(alias(asked, pointer(behind + 12))), [], 1),
  of('aliases in a loop', answer(alias(asked, 'b.test'), alias(name('b.test'), host)), [], 1),
  of('an alias to itself', answer(alias(asked, host)), [], 1),
  of('a name of 100 pointers', answer(...pointers(100)), [ok], 0),
  of('a name of 300 pointers', answer(...pointers(300)), [], 1),
  of('a pointer beyond the end', answer(record({ ...a, owner: pointer(4000) })), [], 1),
  of('a label of an undefined kind', answer(record({ ...a, owner: Buffer.from([0x41, 0x41, 0]) })), [], 1),
  of('a name of more than 255 bytes', answer(record({ ...a, owner: name(`${'x'.repeat(63)}.`.repeat(5)) })), [], 1),
  of('cut off', (id) => [right(id, host).subarray(0, -3)], [], 1),
  of('only a header', (id) => [message({ id, flags: flags.answer, questions: [] })], [], 1),
  of('less than a header', (id) => [right(id, host).subarray(0, 11)], [], 0),
  of('no bytes', () => [Buffer.alloc(0)], [], 0),
  of('extra bytes after the end', (id) => [Buffer.concat([right(id, host), at])], [], 1),
  of(
    'counts that lie',
    (id) => [message({ id, questions: [question(name(host))], answers: [record(a)], counts: [1, 65535, 0, 0] })],
    [],
    1,
  ),
  of('another question', (id) => [right(id, 'bank.test')], [], 1),
  of(
    'another type',
    (id) => [message({ id, flags: flags.answer, questions: [question(name(host), 'AAAA')], answers: [record(a)] })],
    [],
    1,
  ),
  of(
    'two questions',
    (id) => [
      message({
        id,
        flags: flags.answer,
        questions: [question(name(host)), question(name(host))],
        answers: [record(a)],
      }),
    ],
    [],
    1,
  ),
  of(
    'another operation',
    (id) => [message({ id, flags: flags.answer | 0x2800, questions: [question(name(host))], answers: [record(a)] })],
    [],
    1,
  ),
  of('another id', (id) => [right(id ^ 1, host)], [], 0),
  of(
    'no answer, but a query',
    (id) => [message({ id, flags: flags.query, questions: [question(name(host))], answers: [record(a)] })],
    [],
    0,
  ),
  of(
    'truncated',
    (id) => [message({ id, flags: flags.truncated, questions: [question(name(host))], answers: [record(a)] })],
    [failed('NOERROR', 'TRUNCATED')],
    0,
  ),
  of(
    'an error with addresses',
    (id) => [message({ id, flags: flags.nxdomain, questions: [question(name(host))], answers: [record(a)] })],
    [failed('NXDOMAIN')],
    0,
  ),
  of('an address of 5 bytes', answer(record({ ...a, data: Buffer.alloc(5) })), [], 1),
  of('an address of no bytes', answer(record({ ...a, data: Buffer.alloc(0) })), [], 1),
  of('an address of another class', answer(record({ ...a, class: 3 })), [nodata], 0),
  of('an address of another kind', answer(record({ type: 'AAAA', data: Buffer.alloc(16, 1) })), [nodata], 0),
  of('an address of another name', answer(record({ ...a, owner: name('bank.test') })), [nodata], 0),
  of(
    'that, beside its own',
    answer(record({ ...a, owner: name('bank.test'), data: ip4('192.0.2.9') }), record(a)),
    [ok],
    0,
  ),
  of('only an alias', answer(alias(asked, 'b.test')), [nodata], 0),
  of(
    'its alias after its address',
    answer(record({ ...a, owner: name('b.test') }), alias(asked, 'B.Test', 20)),
    [{ ...ok, cnames: ['b.test'], ttl: 20 }],
    0,
  ),
  of(
    '32 aliases',
    answer(...chain(32), record({ ...a, owner: name('a32.test') })),
    [{ ...ok, cnames: chain(32).map((_, i) => `a${i + 1}.test`) }],
    0,
  ),
  of('33 aliases', answer(...chain(33), record({ ...a, owner: name('a33.test') })), [], 1),
  of('a time to live that is negative', answer(record({ ...a, ttl: 0x80000001 })), [{ ...ok, ttl: 0 }], 0),
  of(
    'padded',
    (id) => [
      message({
        id,
        flags: flags.answer,
        questions: [question(name(host))],
        answers: [record(a)],
        additional: [edns(1000)],
      }),
    ],
    [ok],
    0,
  ),
  of(
    'the question in other case',
    (id) => [message({ id, flags: flags.answer, questions: [question(name('hOSt.TesT'))], answers: [record(a)] })],
    [ok],
    0,
  ),
  of(
    '4,000 addresses',
    answer(...Array.from({ length: 4000 }, (_, i) => record({ ...a, data: Buffer.from([10, 0, i >> 8, i & 255]) }))),
    [{ ...ok, addrs: Array.from({ length: 4000 }, (_, i) => `10.0.${i >> 8}.${i & 255}`) }],
    0,
  ),
  of('an unreadable answer, then the right one', (id) => [right(id, 'bank.test'), right(id, host)], [ok], 1),
  of('twice', (id) => [right(id, host), right(id, host, '192.0.2.9')], [ok], 0),
  [
    'terminal control characters',
    odd([Buffer.from('\x1b]0;x\x07'), Buffer.from('a.b"\\'), Buffer.from('ü')]),
    [{ ...ok, name: '\\027]0\\;x\\007.a\\.b\\"\\\\.\\195\\188' }],
    0,
  ],
  [
    'the longest name',
    odd([63, 63, 63, 61].map((size) => Buffer.alloc(size))),
    [{ ...ok, name: [63, 63, 63, 61].map((size) => '\\000'.repeat(size)).join('.') }],
    0,
  ],
  ['the root', odd([]), [{ ...ok, name: '.' }], 0],
  [
    'an international name',
    odd([Buffer.from('XN--mnchen-3ya'), Buffer.from('test')]),
    [{ ...ok, name: 'xn--mnchen-3ya.test' }],
    0,
  ],
  [
    'from another address, to an unconnected socket',
    ask(host, (id) => [right(id, host)], { other: '127.0.0.9', connected: false }),
    [],
    0,
  ],
  ['from another address, to a connected socket', ask(host, (id) => [right(id, host)], { other: '127.0.0.9' }), [], 0],
  [
    'from the right address, to an unconnected socket',
    ask(host, (id) => [right(id, host)], { connected: false }),
    [ok],
    0,
  ],
];

for (const lost of [0, 1])
  live(`hostile answers, ${lost ? 'each counted as lost' : 'none counted as lost'}`, async (net) => {
    const these = cases.filter(([, , , count]) => count === lost);
    const mark = (i: number) => ask(`mark-${i}.test`, (id) => [right(id, `mark-${i}.test`)]);
    const collector = await seeing(net);
    await exchange(
      net,
      these.flatMap(([, one], i) => [one, mark(i)]),
    );
    const last = `"name":"mark-${these.length - 1}.test"`;
    await until('the last mark', () => collector.lines().some((line) => line.includes(last)));
    const { lines, code, stderr } = await collector.stop();
    // an unanswered query is a time-out, if the machine is that slow
    let events = inOrder(dnsIn(lines)).filter(({ error }) => error !== 'TIMEOUT');
    for (const [i, [what, , wanted]] of these.entries()) {
      const end = events.findIndex(({ name }) => name === `mark-${i}.test`);
      assert.deepEqual(events.slice(0, end).map(lookupFields), wanted, what);
      events = events.slice(end + 1);
    }
    assert.deepEqual({ code, stderr, lost: lostIn(lines) }, { code: 0, stderr: '', lost: lost * these.length });
    for (const { where } of ofType<Lost>('lost', lines)) assert.equal(where, 'dns answer');
  });
