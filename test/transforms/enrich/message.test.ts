import assert from 'node:assert/strict';
import { test } from 'node:test';
import packet from 'dns-packet';
import fc from 'fast-check';
import { answeredId, decodeReply, encodeQuery, isTruncated } from '../../../transforms/enrich/message.js';
import { dnsName } from '../../../transforms/enrich/text.js';
import { answer } from '../../support/responder.js';

const name = '7.2.0.192.in-addr.arpa';
const query = packet.decode(encodeQuery(4711, name, 'PTR'));

test('other software can read a query', () => {
  assert.deepEqual(query.questions, [{ type: 'PTR', class: 'IN', name }]);
  assert.equal(query.id, 4711);
  assert.equal(query.flag_rd, true);
});

test('a reply gives its names and the lowest TTL; aliases are followed, within a limit', () => {
  const reply = (answers: packet.Answer[]) =>
    decodeReply(packet.encode({ type: 'response', id: 1, questions: [{ type: 'PTR', name }], answers }), name, 'PTR');
  const alias = (from: string, to: string) => ({ type: 'CNAME' as const, name: from, data: to, ttl: 9 });
  assert.deepEqual(
    reply([
      { type: 'PTR', name: name.toUpperCase(), data: 'a.example', ttl: 30 },
      { type: 'PTR', name, data: 'b.example', ttl: 20 },
      { type: 'PTR', name: 'other.example', data: 'c.example', ttl: 1 },
    ]),
    { data: ['a.example', 'b.example'], ttl: 20 },
  );
  assert.deepEqual(reply([alias(name, 'x.example'), { type: 'PTR', name: 'x.example', data: 'a.example', ttl: 30 }]), {
    data: ['a.example'],
    ttl: 9,
  });
  assert.deepEqual(reply([alias(name, 'x.example'), alias('x.example', name)]), { data: [], ttl: 9 });
});

test('any bytes are harmless: a reply with printable names, no reply, or an error that is caught', () => {
  const good = answer(query, [{ data: 'one.example' }, { data: 'two.example' }]);
  const bent = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 6 }).map((changes) => {
    const bytes = Buffer.from(good);
    for (const [at, byte] of changes) bytes[at] = byte;
    return bytes;
  });
  const cut = fc.nat(good.length).map((length) => Buffer.from(good.subarray(0, length)));
  const any = fc.uint8Array({ maxLength: 100, size: 'max' }).map((bytes) => Buffer.from(bytes));
  let replies = 0;
  fc.assert(
    fc.property(fc.oneof({ weight: 20, arbitrary: bent }, { weight: 19, arbitrary: cut }, any), (bytes) => {
      answeredId(bytes);
      isTruncated(bytes);
      let reply: ReturnType<typeof decodeReply>;
      try {
        reply = decodeReply(bytes, name, 'PTR');
      } catch {
        return;
      }
      if (reply === undefined || reply === 'failed') return;
      replies++;
      assert.ok(reply.ttl >= 0);
      for (const one of reply.data) assert.match(dnsName(one) ?? 'x', /^[\x21-\x7e]+$/);
    }),
    { numRuns: 20_000 },
  );
  assert.ok(replies > 100, `${replies} were replies`);
});
