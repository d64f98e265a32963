/**
 * Build step: generates from *.schema.json what the stages import (schemas/generated/, not in git):
 *
 * - validate.cjs: one ajv function per event type, so that no command compiles a schema when it starts
 * - kinds.ts and scan.ts: a scanner of canonical lines
 * - scan.c and wasm.ts: the same scanner in C, and compiled to WebAssembly
 * - events.ts: the TypeScript types of the events
 * - fields.ts: what the fields may be compared with
 * - table.ts: transforms/aggregate/table.c, compiled to WebAssembly
 * - version.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { _, Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { compile as types } from 'json-schema-to-typescript';
import * as formats from '../formats.cjs';
import { describe } from '../where/kind.js';
import { c } from './c.js';
import { javascript, known } from './javascript.js';
import { planOf, unscanned } from './plan.js';

const here = new URL('../', import.meta.url);
const out = new URL('generated/', here);
const read = (url: URL) => JSON.parse(readFileSync(url, 'utf8'));

const schemas = new Map<string, { $id: string; title: string }>();
for (const file of readdirSync(here).sort()) {
  const type = /^(.+)\.schema\.json$/.exec(file)?.[1];
  if (type) schemas.set(type, read(new URL(file, here)));
}

// Each schema is complete, for other validators, so schemas repeat the properties that they share. Only these may differ.
const propertiesOf = (type: string) =>
  (schemas.get(type) as unknown as { properties: Record<string, unknown> }).properties;
repeats('outcome', 'connect', ['type', 'ts', 'errno']);
repeats('pending', 'outcome', ['type', 'ts', 'start', 'result', 'errno', 'error', 'icmp', 'latency_us', 'repeat']);

/** Throws if a type does not repeat the properties of `model` in the same order, except for those in `except`. */
function repeats(type: string, model: string, except: readonly string[]): void {
  const [properties, shared] = [propertiesOf(type), propertiesOf(model)];
  const names = Object.keys(shared).filter((name) => !except.includes(name));
  const repeated = Object.keys(properties).filter((name) => names.includes(name));
  for (const [at, name] of names.entries()) {
    if (name !== repeated[at] || !isDeepStrictEqual(properties[name], shared[name]))
      throw new Error(`${type}.schema.json: /properties/${name} must be as in ${model}.schema.json, in the same order`);
  }
}

const ajv = new Ajv2020({
  strictTypes: false, // for "anyOf" over formats, "type" is outside of it
  formats: formats.all,
  code: { source: true, lines: true, formats: _`require("../formats.cjs").all` },
});
ajv.addVocabulary(['unit', 'source']); // annotations of this project
for (const schema of schemas.values()) ajv.addSchema(schema);

const ids = Object.fromEntries([...schemas].map(([type, schema]) => [type, schema.$id]));
mkdirSync(out, { recursive: true });
writeFileSync(new URL('validate.cjs', out), standalone.default(ajv, ids));
writeFileSync(
  new URL('validate.d.cts', out),
  `import type { ValidateFunction } from 'ajv';
declare const validators: { readonly [type: string]: ValidateFunction };
export = validators;
`,
);

const plans = [...schemas]
  .filter(([type]) => !unscanned.has(type))
  .map(([type, schema]) => planOf(type, schema as never));
writeFileSync(new URL('kinds.ts', out), known(plans));
writeFileSync(new URL('scan.ts', out), javascript(plans));
writeFileSync(new URL('scan.c', out), c(plans));
wasm(new URL('scan.c', out), 'wasm.ts', 1);
wasm(new URL('../transforms/aggregate/table.c', here), 'table.ts', 3);

/** Compiles C to a WebAssembly module. The module owns the first `pages` pages of its memory. */
function wasm(source: URL, name: string, pages: number): void {
  const module = fileURLToPath(new URL(name.replace(/ts$/, 'wasm'), out));
  execFileSync('clang', [
    ...['--target=wasm32', '-O3', '-msimd128', '-mbulk-memory', '-Wall', '-Wextra', '-Werror', '-nostdlib'],
    ...['-Wl,--no-entry', '-Wl,--import-memory', '-Wl,-z,stack-size=8192', `-Wl,--initial-memory=${pages << 16}`],
    ...['-Wl,--strip-all', fileURLToPath(source), '-o', module],
  ]);
  const code = readFileSync(module, 'base64'); // as a string it is part of the command's file
  const file = basename(fileURLToPath(source));
  writeFileSync(
    new URL(name, out),
    `/** ${file}, compiled to WebAssembly, in base64. */\nexport const code =\n  '${code}';\nexport const ownPages = ${pages};\n`,
  );
}

const interfaces = await Promise.all(
  [...schemas.values()].map((schema) => types(withoutFormats(schema), schema.title, { bannerComment: '' })),
);
/** Removes "anyOf" over formats, for which TypeScript has no type. */
function withoutFormats(schema: object) {
  return JSON.parse(JSON.stringify(schema, (key, value) => (key === 'anyOf' ? undefined : value)));
}
const titles = [...schemas.values()].map((schema) => schema.title);
writeFileSync(
  new URL('events.ts', out),
  `${interfaces.join('\n')}
/** Any event that this version knows. */
export type Event = ${titles.join(' | ')};
`,
);

const fieldKinds = [...schemas.keys()].map((type) => [
  type,
  Object.fromEntries(
    Object.entries(propertiesOf(type)).map(([name, property]) => [name, describe(property as object)]),
  ),
]);
writeFileSync(
  new URL('fields.ts', out),
  `import type { Kind } from '../where/kind.js';

/** What the fields of each event type may be, for comparisons. */
export const fieldKinds: Readonly<Record<string, Readonly<Record<string, Kind>>>> = ${JSON.stringify(Object.fromEntries(fieldKinds), null, 1)};
`,
);

const { version } = read(new URL('../package.json', here));
writeFileSync(new URL('version.ts', out), `export const version = ${JSON.stringify(version)};\n`);
