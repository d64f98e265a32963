/**
 * Build step: generates from *.schema.json what the stages import (schemas/generated/, not in git):
 *
 * - validate.cjs: one ajv function per event type, so that no command compiles a schema when it starts
 * - kinds.ts and scan.ts: a scanner of canonical lines
 * - NAME.layout.h: what C needs to know of each NAME.layout.ts
 * - scan.c and wasm.ts: the same scanner in C with all kernels (*.kernel.h), and compiled to WebAssembly
 * - events.ts: the TypeScript types of the events
 * - fields.ts: what the fields may be compared with
 * - table.ts: transforms/aggregate/table.c, compiled to WebAssembly; and so for any other .c file beside a stage
 * - version.ts
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { _, Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import { transformSync } from 'esbuild';
import { compile as types } from 'json-schema-to-typescript';
import * as formats from '../formats.cjs';
import { instances, newMemory } from '../pipe/scan/webassembly.js';
import { describe } from '../where/kind.js';
import { c } from './c.js';
import { header } from './layout.js';
import { known, planOf, unscanned } from './plan.js';

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
repeats('closed', 'outcome', ['type', 'ts', 'start', 'result', 'icmp', 'icmp_from', 'errno', 'latency_us', 'existing']);
repeats('open', 'closed', ['type', 'ts', 'duration_us', 'closed_by', 'exiting', 'errno', 'error']);

/** Throws unless a type has all properties of `model`, except those in `except`, with the same contents and in the same order. */
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
// Nobody reads it, and it is the largest module.
const validators = transformSync(standalone.default(ajv, ids), { minify: true, format: 'cjs' });
writeFileSync(new URL('validate.cjs', out), validators.code);
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
const words = Math.max(...plans.map((plan) => plan.words));
for (const plan of plans) plan.words = words;
writeFileSync(new URL('kinds.ts', out), known(plans));
const root = new URL('../', here);
const sources = ['schemas/pipe/scan', 'transforms', 'sinks'].flatMap((folder) =>
  readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((path) => `${folder}/${path}`),
);
const having = (ending: string) => sources.filter((path) => path.endsWith(ending)).sort();
for (const path of having('.layout.ts')) {
  const name = basename(path, '.layout.ts');
  writeFileSync(new URL(`${name}.layout.h`, out), header(name, await import(new URL(path, root).href)));
}
const { javascript } = await import('./javascript.js'); // not above: it needs kinds.ts, which is only written here
writeFileSync(new URL('scan.ts', out), javascript(plans));
writeFileSync(new URL('scan.c', out), c(plans, having('.kernel.h')));
wasm(new URL('scan.c', out), 'wasm.ts');
for (const path of having('.c')) wasm(new URL(path, root), basename(path).replace(/c$/, 'ts'));

/** Compiles C to a WebAssembly module. */
function wasm(source: URL, name: string): void {
  const module = fileURLToPath(new URL(name.replace(/ts$/, 'wasm'), out));
  execFileSync('clang', [
    ...['--target=wasm32', '-O3', '-msimd128', '-mbulk-memory', '-Wall', '-Wextra', '-Werror', '-nostdlib'],
    ...['-Wl,--no-entry', '-Wl,--import-memory', '-Wl,-z,stack-size=8192', '-Wl,--export=__heap_base'],
    ...['-Wl,--strip-all', fileURLToPath(source), '-o', module],
  ]);
  const code = readFileSync(module, 'base64'); // as a string it is part of the command's file
  const { __heap_base: heap } = instances<{ __heap_base: { value: number } }>(code)(newMemory(1 << 8, 1 << 8));
  const file = basename(fileURLToPath(source));
  writeFileSync(
    new URL(name, out),
    `/** ${file}, compiled to WebAssembly, in base64. It owns the first \`ownPages\` pages of its memory. */
export const code: string =\n  '${code}';\nexport const ownPages = ${Math.ceil(heap.value / (1 << 16))};\n`,
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
