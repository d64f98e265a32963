import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
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
 * attempt list only what an outcome (for `open`: a closed event) does not have, or has with another meaning.
 */
function fieldsOf(type: string): [string, Property][] {
  const outcome: Properties = schemaOf('outcome').properties;
  if (type === 'enrich') return Object.entries(outcome).filter(([, property]) => enriched(property));
  const fields = Object.entries(schemaOf(type).properties as Properties).filter(
    ([, property]) => !enriched(property) && property.source !== 'the events', // a summary takes these from its events
  );
  if (!['connect', 'pending', 'closed', 'open'].includes(type)) return fields;
  const model: Properties = type === 'open' ? schemaOf('closed').properties : outcome;
  return fields.filter(([name, property]) => !isDeepStrictEqual(property, model[name]));
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

test("README's session, in order, in a new folder, prints what README shows", async () => {
  const path = new URL('README.md', root);
  const folder = mkdtempSync(join(tmpdir(), 'synpipe-session-'));
  let wanted = read(path);
  let count = 0;
  for (const [whole, text = ''] of wanted.matchAll(/^```console\n([\s\S]*?)^```$/gm)) {
    let session = '';
    for (const [, line = ''] of text.matchAll(/^\$ (.*)$/gm)) {
      const { stdout, stderr } = await shell(line, folder);
      assert.equal(stderr, '', line);
      session += `$ ${line}\n${stdout}`;
      count++;
    }
    wanted = wanted.replace(whole, () => `\`\`\`console\n${session}\`\`\``);
  }
  rmSync(folder, { recursive: true });
  assert.ok(count >= 6, `${count} commands`);
  if (process.env.UPDATE) writeFileSync(path, wanted);
  assert.equal(read(path), wanted, 'README.md is out of date; run UPDATE=1 test/run test/readme.test.ts');
});

test('README.md is short', () => {
  const lines = read(new URL('README.md', root)).split('\n').length - 1;
  assert.ok(lines <= 130, `${lines} lines`);
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
