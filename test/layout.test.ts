import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { root } from './support/shell.js';

const folders = ['schemas', 'collector', 'transforms', 'sinks'];

function filesIn(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => ending.test(file) && !/^(build|generated)\//.test(file))
    .map((file) => join(folder, file));
}

const sources = folders.flatMap((folder) => filesIn(folder, /\.c?ts$/));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** What a file imports, types included. */
function importsOf(text: string, call = 'import'): string[] {
  const from = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm;
  const called = new RegExp(`\\b${call}\\s*\\(?\\s*['"]([^'"]+)['"]`, 'g');
  return [...text.matchAll(from), ...text.matchAll(called)].map(([, name]) => name as string);
}

test('finds imports in all their forms', () => {
  const text = `import a from './a.js';
import {
  b,
} from '../b.js';
export * from "c";
import type { D } from 'd';
await import('./e.js');
import './f.js';
`;
  assert.deepEqual(importsOf(text), ['./a.js', '../b.js', 'c', 'd', './e.js', './f.js']);
  assert.deepEqual(importsOf("const { a } = require('g');", 'require'), ['g']);
});

test('imports across the top folders point only at schemas/', () => {
  assert.ok(sources.length > 20, 'found the sources');
  for (const file of sources) {
    const own = file.split('/')[0];
    for (const name of importsOf(read(file), file.endsWith('.cts') ? 'require' : 'import')) {
      if (!name.startsWith('.')) continue;
      const target = normalize(join(dirname(file), name)).split('/')[0];
      assert.ok(target === own || target === 'schemas', `${file} imports ${name}`);
    }
  }
});

test("the collector's C++ includes only its own folder and bpf/; bpf/ only itself", () => {
  for (const folder of ['collector', 'bpf']) {
    const files = filesIn(folder, /\.(cc|c|h)$/);
    assert.ok(files.length > 0, folder);
    for (const file of files) {
      for (const [, name] of read(file).matchAll(/^\s*#\s*include\s*"([^"]+)"/gm)) {
        const target = normalize(join(dirname(file), name as string)).split('/')[0];
        assert.ok(target === folder || target === 'bpf', `${file} includes "${name}"`);
      }
    }
  }
});

test('every dependency is imported somewhere, and everything imported is a dependency', () => {
  const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> };
  const texts = sources.map(read);
  const pages = sources.filter((file) => file.includes('/page/')); // bundled when built
  const builds = ['schemas/build.ts', 'schemas/bundle.ts', 'schemas/compile.ts', ...pages]
    .map(read)
    .flatMap((text) => importsOf(text)); // these may use devDependencies
  const packages = new Set(
    texts
      .flatMap((text) => importsOf(text))
      .flatMap((name) => /^(?!node:|\.)(@[^/]+\/[^/]+|[^/]+)/.exec(name)?.[1] ?? []),
  );
  const native = read('collector/binding.gyp').includes('node-addon-api') ? ['node-addon-api'] : [];
  for (const name of Object.keys(dependencies)) {
    assert.ok(packages.has(name) || native.includes(name), `${name} is a dependency that nothing imports`);
  }
  for (const name of packages) {
    const built = builds.some((one) => one === name || one.startsWith(`${name}/`));
    assert.ok(name in dependencies || built, `${name} is imported, but no dependency`);
  }
});
