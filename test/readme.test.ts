import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { ecsFields } from '../transforms/to-ecs/fields.js';
import type { Table } from '../transforms/to-ecs/mapping.js';
import { otelFields } from '../transforms/to-otel/fields.js';
import { pages } from './support/documents.js';
import { shell } from './support/shell.js';

const root = new URL('../', import.meta.url);
const read = (url: URL) => readFileSync(url, 'utf8');

interface Property {
  description: string;
  unit?: string;
  source: string;
  examples: unknown[];
}

type Properties = Record<string, Property>;
const schemaOf = (type: string) => JSON.parse(read(new URL(`schemas/${type}.schema.json`, root)));
const enriched = ({ source }: Property) => source.startsWith('enrich');

/**
 * The fields that a table lists. The fields that `enrich` adds have a separate table, and the other events of an
 * attempt list only what an outcome does not have, or has with another meaning.
 */
function fieldsOf(type: string): [string, Property][] {
  const outcome: Properties = schemaOf('outcome').properties;
  if (type === 'enrich') return Object.entries(outcome).filter(([, property]) => enriched(property));
  const fields = Object.entries(schemaOf(type).properties as Properties).filter(
    ([, property]) => !enriched(property) && property.source !== 'the events', // a summary takes these from its events
  );
  if (type !== 'connect' && type !== 'pending') return fields;
  return fields.filter(([name, property]) => !isDeepStrictEqual(property, outcome[name]));
}

/** Returns the table of one event type, from its schema. */
function table(type: string): string {
  const { required } = schemaOf(type === 'enrich' ? 'outcome' : type);
  const rows = fieldsOf(type).map(([name, { description, unit, examples }]) => {
    const optional = required.includes(name) ? '' : ' *';
    const cells = [
      `\`${name}\`${optional}`,
      description + (unit ? ` (${unit})` : ''),
      `\`${JSON.stringify(examples.at(-1))}\``,
    ];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  return `| field | meaning | example |\n|---|---|---|\n${rows.join('\n')}\n`;
}

/** Where fields go in ECS and in OpenTelemetry: the fields of attempts, and those that other events map differently. */
function places(): string {
  const rows = new Map<string, string[]>();
  const cell = (table: Table | undefined, name: string) =>
    Object.keys(table?.[name] ?? {})
      .map((place) => `\`${place}\``)
      .join(', ');
  for (const type of Object.keys(ecsFields)) {
    const [ecs, otel] = [ecsFields[type], otelFields[type]];
    for (const name of Object.keys({ ...ecs, ...otel })) {
      const row = `\`${name}\` | ${cell(ecs, name)} | ${cell(otel, name)} |`;
      rows.set(row, [...(rows.get(row) ?? []), type]);
    }
  }
  const all = [...rows].map(
    ([row, types]) => `| ${types[0] === 'connect' && types[1] ? '' : types.join(', ')} | ${row}\n`,
  );
  return `| events | field | ECS | OpenTelemetry |\n|---|---|---|---|\n${all.join('')}`.replaceAll('|  |', '| |');
}

/** The fields of these events are in the table of places. */
const placed = ['ecs', 'otel'];

test("the pages' field tables match the schemas, and each occurs once", () => {
  const files = readdirSync(new URL('schemas/', root)).filter((name) => name.endsWith('.schema.json'));
  const types = files.map((file) => file.slice(0, -'.schema.json'.length)).filter((type) => !placed.includes(type));
  for (const type of [...types, 'enrich', 'places']) {
    const section = new RegExp(`(<!-- fields: ${type} -->\n)[^]*?(<!-- end -->)`);
    const [page, ...more] = pages.filter((page) => section.test(read(new URL(page, root))));
    assert.ok(page, `no page has a table for ${type}`);
    assert.deepEqual(more, [], `more than one page has a table for ${type}`);
    const path = new URL(page, root);
    const wanted = read(path).replace(
      section,
      (_, begin, end) => begin + (type === 'places' ? places() : table(type)) + end,
    );
    if (process.env.UPDATE) writeFileSync(path, wanted);
    assert.equal(read(path), wanted, `the table for ${type} is out of date; run UPDATE=1 test/run test/readme.test.ts`);
  }
});

test('the output shown on the pages is what the commands print', async () => {
  const sample = new URL('dist/collector/replay/sample.ndjson', root);
  const shown = /(<!-- prints: (.*) -->\n```\w*\n)([\s\S]*?)(```\n)/g;
  let count = 0;
  for (const page of pages) {
    const path = new URL(page, root);
    let wanted = read(path);
    for (const [whole, begin = '', line = '', , end = ''] of wanted.matchAll(shown)) {
      count++;
      const said = await shell(line.replaceAll('events.ndjson', fileURLToPath(sample)), fileURLToPath(root));
      assert.equal(said.stderr, '', line);
      wanted = wanted.replace(whole, () => begin + said.stdout + end);
    }
    if (process.env.UPDATE && wanted !== read(path)) writeFileSync(path, wanted);
    assert.equal(read(path), wanted, `${page} is out of date; run UPDATE=1 test/run test/readme.test.ts`);
  }
  assert.equal(count, 3);
});

test('the README names every command', () => {
  const { bin } = JSON.parse(read(new URL('package.json', root)));
  for (const name of Object.keys(bin))
    assert.match(
      read(new URL('README.md', root)),
      new RegExp(`^\\| .*\`${name}\\b`, 'm'),
      `README.md has no row for ${name}`,
    );
});

test('package.json names exactly the commands that the build made', () => {
  const { bin } = JSON.parse(read(new URL('package.json', root)));
  const made = readdirSync(new URL('dist/bin', root)).filter((name) => name !== 'package.json');
  assert.deepEqual(Object.keys(bin).sort(), made.sort());
});
