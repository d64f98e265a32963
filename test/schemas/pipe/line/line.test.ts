import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import * as formats from '../../../../schemas/formats.cjs';
import { Line } from '../../../../schemas/pipe/line/line.js';
import { printable } from '../../../../schemas/pipe/messages/printable.js';
import { anyEvent, eventTypes, schemaOf } from '../../../support/arbitrary.js';
import { connect } from '../../../support/events.js';

const ajv = new Ajv2020({ strictTypes: false, formats: formats.all });
ajv.addVocabulary(['unit', 'source']);
const validators = new Map(eventTypes.map((type) => [type as string, ajv.compile(schemaOf(type))]));

/** Returns the event if JSON.parse, and validators compiled now from the schema files, accept it. */
function reference(bytes: Buffer): Record<string, unknown> | undefined {
  try {
    const event = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    if (typeof event !== 'object' || event === null || Array.isArray(event)) return undefined;
    if (!Object.hasOwn(event, 'type') || typeof event.type !== 'string') return undefined;
    return (validators.get(event.type)?.(event) ?? true) ? event : undefined;
  } catch {
    return undefined;
  }
}

const line = new Line();
const take = (bytes: Buffer) => {
  const [before, after] = [Buffer.from('{"x":'), Buffer.from('}\n')]; // the bytes around it must not matter
  return line.take(Buffer.concat([before, bytes, after]), before.length, before.length + bytes.length);
};

test('events drawn from the schemas are valid, and have the right fields', () => {
  fc.assert(
    fc.property(anyEvent, (event) => {
      assert.equal(take(Buffer.from(JSON.stringify(event))), undefined);
      assert.equal(line.type, event.type);
      assert.deepEqual(line.event, JSON.parse(JSON.stringify(event)));
      for (const [name, value] of Object.entries(event)) assert.deepEqual(line.field(name), value);
      assert.equal(line.field('nope') ?? line.field('toString') ?? line.field('__proto__'), undefined);
    }),
    { numRuns: 500 },
  );
});

const json = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom<unknown>(0, 1, 2, 4, 65536, -1, 1.5, '', '1', null),
);
const keys = [...new Set(eventTypes.flatMap((type) => Object.keys(schemaOf(type).properties)))];
const key = fc.oneof(fc.constantFrom(...keys), fc.constantFrom('__proto__', 'constructor', 'Type'), fc.string());

/** A valid event with one change: a field, or some bytes of its text. */
const mutated: fc.Arbitrary<Buffer> = anyEvent.chain((event) => {
  const text = Buffer.from(JSON.stringify(event));
  const entries = Object.entries(event);
  const object = (list: [string, unknown][]) =>
    Buffer.from(`{${list.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`);
  const place = fc.nat(text.length - 1);
  return fc.oneof(
    fc.nat(entries.length - 1).map((gone) => object(entries.filter((_, i) => i !== gone))),
    fc
      .tuple(fc.nat(entries.length - 1), json)
      .map(([at, value]) => object(entries.with(at, [entries[at]?.[0] ?? '', value]))),
    fc.tuple(key, json).map((extra) => object([...entries, extra])),
    fc.tuple(key, json).map((extra) => object([extra, ...entries])),
    fc.shuffledSubarray(entries, { minLength: entries.length }).map(object),
    fc.tuple(place, fc.nat(255)).map(([at, byte]) => Buffer.from(text).fill(byte, at, at + 1)),
    fc
      .tuple(place, fc.uint8Array({ maxLength: 3 }))
      .map(([at, more]) => Buffer.concat([text.subarray(0, at), more, text.subarray(at)])),
    fc.tuple(place, fc.nat(3)).map(([at, less]) => Buffer.concat([text.subarray(0, at), text.subarray(at + less)])),
  );
});

test('changed events get the verdict of JSON.parse and freshly compiled schemas', () => {
  const verdicts = { good: 0, bad: 0 };
  fc.assert(
    fc.property(mutated, (bytes) => {
      const event = reference(bytes);
      const reason = take(bytes);
      verdicts[event ? 'good' : 'bad']++;
      assert.equal(reason === undefined, event !== undefined, `${bytes}: ${reason}`);
      if (event) assert.deepEqual(line.event, event);
      else assert.equal(printable(reason as string), reason); // safe for a terminal
    }),
    { numRuns: 3000 },
  );
  assert.ok(verdicts.good > 300 && verdicts.bad > 300, `tried both: ${JSON.stringify(verdicts)}`);
});

test('anything but an object is refused, at any depth', () => {
  for (const depth of [1, 10_000, 500_000]) {
    assert.match(take(Buffer.from('['.repeat(depth) + ']'.repeat(depth))) ?? '', /^not a JSON object: /);
  }
});

test('an invalid line is reported with its field and what would be valid', () => {
  const reason = (more: object) => take(Buffer.from(JSON.stringify({ ...connect(), ...more })));
  assert.equal(reason({ dport: 65536 }), '/dport must be <= 65535');
  assert.equal(reason({ daddr: 'x' }), '/daddr must be ipv4 or ipv6');
  assert.equal(reason({ v: 2 }), '/v must be 1, the version this synpipe reads');
  assert.equal(reason({ pid: undefined }), '/pid is missing');
  assert.equal(reason({ errno: 1 }), '/error is missing');
  assert.equal(reason({ type: 1 }), '/type must be string');
});
