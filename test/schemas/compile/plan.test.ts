import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planOf, unscanned } from '../../../schemas/compile/plan.js';
import { eventTypes, schemaOf } from '../../support/arbitrary.js';

const properties = { type: { const: 'x' }, v: { const: 1 } };
const schema = (more: object, property?: object) =>
  ({
    title: 'X',
    type: 'object',
    required: ['type', 'v'],
    properties: { ...properties, ...(property && { one: property }) },
    ...more,
  }) as never;

test('every schema has a plan, or is listed as one without', () => {
  for (const type of unscanned) assert.throws(() => planOf(type, schemaOf(type) as never), /does not know/);
  for (const type of eventTypes.filter((type) => !unscanned.has(type))) {
    const { steps } = planOf(type, schemaOf(type) as never);
    assert.deepEqual(
      steps.map(({ name }) => name),
      Object.keys(schemaOf(type).properties),
    );
  }
});

test('a keyword that the scanner cannot check is an error that names it, and is never ignored', () => {
  const refused: [property: object, message: RegExp][] = [
    [{ type: 'integer', multipleOf: 5 }, /"multipleOf"/],
    [{ type: 'integer', exclusiveMinimum: 5 }, /"exclusiveMinimum"/],
    [{ type: 'number' }, /"type": "number"/],
    [{ type: 'object', properties: {}, additionalProperties: true }, /"additionalProperties"/],
    [{ type: 'object', properties: {}, maxProperties: 2 }, /"maxProperties"/],
    [{ type: 'object', required: ['a'] }, /such an object/],
    [{ type: 'object', properties: {}, required: ['a'] }, /the property a/],
    [{ type: 'object', properties: { a: { type: 'number' } } }, /one\/a: the scanner does not know "type": "number"/],
    [{ type: 'object', minProperties: 1 }, /"minProperties"/],
    [{ type: ['string', 'null'] }, /"type"/],
    [{ type: 'string', pattern: '^a*$' }, /the pattern \^a\*\$/],
    [{ type: 'string', pattern: '^a{1,2}b$' }, /the pattern/],
    [{ type: 'string', pattern: 'ab' }, /the pattern/],
    [{ type: 'string', pattern: '^(a|bc)$' }, /the pattern/],
    [{ type: 'string', pattern: '^[^a]$' }, /the pattern/],
    [{ type: 'string', pattern: '^["a]$' }, /the pattern/],
    [{ type: 'string', pattern: '^[Z-a]$' }, /the pattern/],
    [{ type: 'string', pattern: '^\\d$' }, /the pattern/],
    [{ type: 'string', pattern: '^a$', maxLength: 3 }, /"maxLength"/],
    [{ type: 'string', format: 'date' }, /the format "date"/],
    [{ type: 'string', anyOf: [{ format: 'ipv4' }, { maxLength: 3 }] }, /"maxLength"/],
    [{ type: 'string', format: 'ipv4', minLength: 1 }, /"minLength"/],
    [{ type: 'array', items: { type: 'string' }, uniqueItems: true }, /"uniqueItems"/],
    [{ type: 'array' }, /arrays of anything/],
    [{ type: 'array', items: { type: 'array', items: { type: 'string' } } }, /arrays of arrays/],
    [{ const: 'é' }, /such constants/],
    [{ enum: [1, { a: 1 }] }, /such constants/],
    [{ type: 'string', const: 'a', oneOf: [] }, /"type"|"oneOf"/],
    [{ $ref: '#/x' }, /the definition #\/x/],
    [{ $ref: '#/$defs/x', maxLength: 3 }, /"maxLength"/],
  ];
  for (const [property, message] of refused)
    assert.throws(() => planOf('x', schema({}, property)), message, JSON.stringify(property));
  for (const keyword of [
    'additionalProperties',
    'if',
    'allOf',
    'minProperties',
    'patternProperties',
    'dependentSchemas',
  ])
    assert.throws(() => planOf('x', schema({ [keyword]: {} })), new RegExp(`"${keyword}"`));
  assert.throws(() => planOf('x', schema({ required: ['type'] })), /start with type and v/);
  assert.throws(() => planOf('x', schema({ dependentRequired: { type: ['nope'] } })), /the property nope/);
});
