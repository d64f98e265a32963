import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { connect } from './events.js';

interface Property {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  anyOf?: unknown[];
  items?: Property;
  properties?: Record<string, Property>;
  required?: string[];
  additionalProperties?: unknown;
  $ref?: string;
  minItems?: number;
  maxItems?: number;
}
export interface Schema {
  $id: string;
  required: string[];
  properties: Record<string, Property>;
  dependentRequired?: Record<string, string[]>;
}

export const eventTypes = readdirSync(new URL('../../schemas', import.meta.url))
  .filter((file) => file.endsWith('.schema.json'))
  .map((file) => file.replace('.schema.json', ''));

export function schemaOf(type: string): Schema {
  return JSON.parse(readFileSync(new URL(`../../schemas/${type}.schema.json`, import.meta.url), 'utf8'));
}

const address = fc.oneof(fc.ipV4(), fc.ipV6());

const scalar = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeNat(), fc.boolean());
const anyValue = fc.oneof(
  { weight: 3, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>(null, -1, 0.5, {}, { a: 1 }, [['x']]) },
);

/** The definitions in otel.schema.json, nested at most three times. */
const { value: otelValue, attributes: otelAttributes } = fc.letrec<{ value: object; attributes: object[] }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.record({ stringValue: fc.string({ unit: 'binary' }) }, { noNullPrototype: true }),
    fc.maxSafeInteger().map((value) => ({ intValue: String(value) })),
    fc.constantFrom({}, { doubleValue: 0.5 }, { boolValue: true }),
    fc.array(tie('value'), { maxLength: 2 }).map((values) => ({ arrayValue: { values } })),
    tie('attributes').map((values) => ({ kvlistValue: { values } })),
  ),
  attributes: fc.array(fc.record({ key: fc.string(), value: tie('value') }, { noNullPrototype: true }), {
    maxLength: 2,
  }),
}));

function fieldOf(property: Property): fc.Arbitrary<unknown> {
  if (property.$ref) return property.$ref.endsWith('/value') ? otelValue : otelAttributes;
  if ('const' in property) return fc.constant(property.const);
  if (property.enum) return fc.constantFrom(...property.enum);
  if (property.anyOf) return address;
  if (property.pattern) return fc.stringMatching(new RegExp(property.pattern));
  const { minimum: min = 0, maximum: max = 2 ** 53 - 1, minLength = 0, maxLength = 40 } = property;
  if (property.type === 'integer') return fc.integer({ min, max });
  if (property.type === 'number')
    return fc.double({ min, max, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0); // -0 is 0 in JSON
  if (property.type === 'string') return fc.string({ unit: 'binary', minLength, maxLength });
  if (property.type === 'array') {
    const { items = { type: 'string' }, minItems = 0, maxItems = 4 } = property;
    return fc.array(fieldOf(items), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) });
  }
  if (property.properties) return recordOf(property.properties, property.required);
  const values = property.additionalProperties ? fc.string() : anyValue;
  return fc.dictionary(fc.string(), values, { maxKeys: 3, noNullPrototype: true });
}

function recordOf(properties: Record<string, Property>, requiredKeys: string[] = []): fc.Arbitrary<object> {
  const all = Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, fieldOf(property)]));
  return fc.record(all, { requiredKeys, noNullPrototype: true });
}

/** Events that a schema allows, drawn from the schema itself, with keys in its order. */
export function eventOf({
  properties,
  required,
  dependentRequired = {},
}: Schema): fc.Arbitrary<Record<string, unknown>> {
  const all = Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, fieldOf(property)]));
  return fc.record(all, { requiredKeys: required }).map((event) => {
    for (const [name, others] of Object.entries(dependentRequired)) {
      if (name in event && others.some((other) => !(other in event))) delete event[name];
    }
    return Object.fromEntries(Object.keys(properties).flatMap((key) => (key in event ? [[key, event[key]]] : [])));
  });
}

export const anyEvent = fc.oneof(...eventTypes.map((type) => eventOf(schemaOf(type))));

/** Bytes cut at random places, possibly into empty pieces. */
export function cut(bytes: Buffer): fc.Arbitrary<Buffer[]> {
  return fc.array(fc.nat(bytes.length), { maxLength: 30 }).map((points) => {
    const at = [0, ...points.sort((a, b) => a - b), bytes.length];
    return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
  });
}

/** Lines that a stage may meet: valid ones, other types, invalid ones. */
export const anyLine: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: anyAttempt().map((event) => JSON.stringify(event)) },
  { weight: 1, arbitrary: anyEvent.map((event) => JSON.stringify(event)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom('{"type":"elsewhere"}', '{ "type" : "x" }', '', ' ', 'oops', 'null', '[]', '{}'),
  },
  { weight: 1, arbitrary: fc.string().filter((text) => !/[\r\n]/.test(text)) },
);

function anyAttempt(): fc.Arbitrary<object> {
  const few = { dport: fc.constantFrom(22, 80, 443), comm: fc.constantFrom('curl', 'node', ''), pid: fc.nat(3) };
  const refused = { errno: 111, error: 'ECONNREFUSED' };
  const start = '2026-11-23T08:15:29.123456Z';
  const ended = { type: 'outcome', latency_us: 1_000_000 };
  const state = fc.constantFrom(
    ...[{}, {}, {}, refused],
    { ...ended, result: 'established' },
    { ...ended, start, result: 'refused', ...refused, icmp: 'port-unreachable', icmp_from: '192.0.2.1' },
    { type: 'pending', start, result: 'pending', waited_us: 1_000_000 },
  );
  const daddr = fc.constantFrom('192.0.2.1', '10.0.0.1', '127.0.0.1', '::1', 'fd00::1', '2001:db8::7');
  return fc
    .tuple(fc.record({ ...few, daddr, uid: fc.nat(2) }, { requiredKeys: ['dport', 'comm', 'pid', 'daddr'] }), state)
    .map(([some, state]) => inOrder(connect({ ...some, family: some.daddr.includes(':') ? 6 : 4, ...state } as never)));
}

const orders = new Map(eventTypes.map((type) => [type, Object.keys(schemaOf(type).properties)]));

/** The same event with its keys in schema order. */
export function inOrder(event: { type: string }): object {
  const order = orders.get(event.type) as string[];
  return Object.fromEntries(Object.entries(event).sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
}
