import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as formats from '../../schemas/formats.cjs';

const folder = new URL('../../schemas/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.schema.json'));

interface Property {
  description?: string;
  source?: string;
  examples?: unknown[];
  unit?: string;
  type?: string;
}

/** Numbers that neither count nor measure: names, ports, positions. */
const withoutUnit = new Set(['seq', 'pid', 'nspid', 'tid', 'ppid', 'uid', 'gid', 'sport', 'dport']);

function newAjv(): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, strictTypes: false, formats: formats.all });
  ajv.addVocabulary(['unit', 'source']);
  return ajv;
}

test('there are schemas to check', () => assert.ok(files.length >= 3));

for (const file of files) {
  const schema = JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
  const properties = Object.entries<Property>(schema.properties);
  const type = file.replace('.schema.json', '');

  test(`${file}: compiles in strict mode and describes itself`, () => {
    newAjv().compile(schema);
    assert.equal(schema.$id, `synpipe:${type}:1`);
    assert.equal(schema.properties.type.const, type);
    assert.equal(schema.properties.v.const, 1);
    assert.deepEqual(Object.keys(schema.properties).slice(0, 2), ['type', 'v']);
    assert.ok(schema.title && schema.description);
    for (const name of schema.required) assert.ok(name in schema.properties, name);
    assert.notEqual(schema.additionalProperties, false, 'unknown keys are accepted');
  });

  test(`${file}: every property has a description, a source and valid examples`, () => {
    for (const [name, property] of properties) {
      assert.match(property.description ?? '', /\.$/, name);
      assert.ok(property.source, `${name}: source`);
      assert.ok(property.examples?.length, `${name}: examples`);
      const holds = newAjv().compile({ ...property, $defs: schema.$defs });
      for (const example of property.examples ?? []) assert.ok(holds(example), `${name}: ${JSON.stringify(example)}`);
    }
  });

  test(`${file}: every count and measure has a unit`, () => {
    for (const [name, { type: kind, unit }] of properties) {
      if (kind === 'integer' || kind === 'number') assert.notEqual(unit !== undefined, withoutUnit.has(name), name);
      if (name.endsWith('_us')) assert.equal(unit, 'microseconds', name);
      if (name === 'ts') assert.match(unit ?? '', /RFC 3339/);
    }
  });

  test(`${file}: its numbers are exact in every JSON reader`, () => {
    for (const [name, property] of properties) {
      const {
        type: kind,
        unit,
        minimum,
        maximum,
      } = property as {
        type?: string;
        unit?: string;
        minimum?: number;
        maximum?: number;
      };
      if (kind === 'number')
        assert.match(unit ?? '', /^ratio$| per second$/, `${name}: counts and measures are integers`);
      if (kind !== 'integer') continue;
      assert.ok(minimum !== undefined && minimum >= 0, `${name}: minimum`);
      assert.ok(maximum !== undefined && maximum <= Number.MAX_SAFE_INTEGER, `${name}: maximum`);
    }
  });

  test(`${file}: an event made of all examples is valid`, () => {
    const event = Object.fromEntries(properties.map(([name, { examples }]) => [name, examples?.[0]]));
    const validate = newAjv().compile(schema);
    assert.ok(validate(event), JSON.stringify(validate.errors));
  });
}
