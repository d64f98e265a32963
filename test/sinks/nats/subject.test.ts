import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Line } from '../../../schemas/pipe/line/line.js';
import { Identity } from '../../../sinks/nats/identity.js';
import { Subject, token } from '../../../sinks/nats/subject.js';
import { connect } from '../../support/events.js';

function lineOf(event: object): Line {
  const bytes = Buffer.from(JSON.stringify(event));
  const line = new Line();
  assert.equal(line.take(bytes, 0, bytes.length), undefined);
  return line;
}

test('a subject has fields of events, and placeholders for missing ones', () => {
  const subject = new Subject('conn.{host}.{type}', { host: 'here' });
  assert.equal(subject.wildcard, 'conn.*.*');
  assert.equal(subject.of(lineOf(connect({ host: 'web-1.example.com' }))), 'conn.web-1_example_com.connect');
  assert.equal(subject.of(lineOf(connect())), 'conn.here.connect');
  assert.equal(subject.of(lineOf({ type: 'my own.*' })), 'conn.here.my_own__');
  const dest = new Subject('conn.{dest}');
  assert.equal(dest.of(lineOf(connect({ name: 'www.example.com' }))), 'conn.www_example_com');
  assert.equal(dest.of(lineOf(connect())), 'conn.192_0_2_1');
  const more = new Subject('a-{dport}.{daddr}.{comm}.{result}');
  assert.equal(more.wildcard, '*.*.*.*');
  assert.equal(
    more.of(lineOf(connect({ comm: 'DNS Resolver #1', daddr: '2001:db8::7', family: 6 }))),
    'a-443.2001:db8::7.DNS_Resolver__1.-',
  );
});

test("any field value makes one short token without NATS's special characters", () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      assert.match(token(value), /^[\w:+,=@~-]{1,60}$/);
    }),
  );
});

test('templates that do not make a subject', () => {
  for (const wrong of ['', '.', 'a..b', 'a.', 'a b', 'a.*', '>', '$SYS.a', '{host', 'a}', '{}', '{a b}'])
    assert.throws(() => new Subject(wrong), /use words and \{fields\}/, wrong);
});

test("an event with seq has the same ID everywhere; another event's ID depends on its position", () => {
  const identity = new Identity('here');
  const of = (event: object, batch: string, at: number) => identity.of(lineOf(event), batch, at);
  const id = of(connect(), 'a', 0);
  assert.match(id, /^[\w-]{16}$/);
  assert.equal(of(connect(), 'b', 7), id);
  assert.notEqual(of(connect({ seq: 2 }), 'a', 0), id);
  assert.notEqual(of(connect({ ts: '2026-11-23T08:15:30.123457Z' }), 'a', 0), id, 'the same seq of another run');
  assert.notEqual(new Identity('there').of(lineOf(connect()), 'a', 0), id);
  const lost = { type: 'lost', v: 1, stage: 'a', where: 'b', count: 1 };
  assert.equal(of(lost, 'a', 0), of(lost, 'a', 0));
  assert.equal(new Set([of(lost, 'a', 0), of(lost, 'a', 1), of(lost, 'b', 0)]).size, 3);
  const long = connect({ note: 'x'.repeat(10_000) } as object);
  assert.equal(of(long, 'a', 0), of(long, 'b', 1));
});
