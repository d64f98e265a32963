import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { root } from './support/shell.js';

const folders = ['schemas', 'collector', 'transforms', 'sinks'];

function filesIn(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => ending.test(file) && !file.startsWith('generated/'))
    .map((file) => join(folder, file))
    .filter((file) => !file.startsWith('collector/build/'));
}

const sources = folders.flatMap((folder) => filesIn(folder, /\.c?ts$/));
const read = (file: string) => readFileSync(join(root, file), 'utf8');

/** Returns what a file imports, types included. */
function importsOf(text: string, call = 'import'): string[] {
  const from = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm;
  const called = new RegExp(`\\b${call}\\s*\\(?\\s*['"]([^'"]+)['"]`, 'g');
  return [...text.matchAll(from), ...text.matchAll(called)].map(([, name]) => name as string);
}

test('finds imports in all forms', () => {
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

test('the top level has only the folders of the data flow, pages and configuration', () => {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    ...{ cwd: root, encoding: 'utf8' as const },
  });
  const names = [...new Set(files.split('\n').flatMap((path) => path.split('/')[0] || []))];
  assert.deepEqual(
    names.filter((name) => !name.startsWith('.')).sort(),
    [
      ...[...folders, 'bpf', 'test', 'CHANGELOG.md', 'LICENSE', 'README.md', 'Makefile', 'biome.json', 'package.json'],
      ...['package-lock.json', 'tsconfig.json'],
    ].sort(),
  );
});

test('imports between top-level folders point only at schemas/', () => {
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

test('every imported package is a dependency, and only tsx is looked up at run time', () => {
  const { dependencies, devDependencies, peerDependencies } = JSON.parse(read('package.json'));
  const named = /^(?!node:|\.)(@[^/]+\/[^/]+|[^/]+)/;
  const packages = new Set(
    sources.map(read).flatMap((text) => importsOf(text).flatMap((name) => named.exec(name) ?? [])),
  );
  for (const name of packages)
    assert.ok(
      name.split('/', name.startsWith('@') ? 2 : 1).join('/') in devDependencies,
      `${name} is not a dependency`,
    );
  // bundled packages are not needed at run time; node-addon-api is C++, for building; @types/node is for the types
  assert.deepEqual(
    [Object.keys(dependencies), Object.keys(peerDependencies)],
    [['node-addon-api'], ['@types/node', 'tsx']],
  );
  const built = ['bin', 'umbrella', 'sinks', 'seldom', 'code'].flatMap((folder) =>
    readdirSync(join(root, 'dist', folder), { recursive: true, encoding: 'utf8' })
      .filter((file) => folder === 'bin' || file.endsWith(folder === 'code' ? '.js' : '.cjs'))
      .map((file) => join('dist', folder, file)),
  );
  assert.ok(built.length > 15, built.join(' '));
  for (const file of built) {
    const called = [...read(file).matchAll(/(?<!')\b(?:require|import|importModule)\(\s*"([^"]+)"\s*\)/g)].map(
      ([, name]) => name as string,
    );
    const found = called.filter((name) => !name.startsWith('.') && !/^(node:|tsx\/)/.test(name) && !isBuiltin(name));
    assert.deepEqual(found, [], file);
  }
});

test('modules that the build bundles find files through io/dist.ts, and import() only by a fixed name', () => {
  const bundled = sources.filter((path) => !/^(schemas\/(build|compile)|sinks\/web\/page|test)\//.test(path));
  assert.ok(bundled.length > 100, bundled.join(' '));
  const uses = (pattern: RegExp) => bundled.filter((path) => pattern.test(read(path)));
  assert.deepEqual(uses(/(?<!`)import\.meta/), ['schemas/pipe/io/dist.ts']);
  assert.deepEqual(uses(/\bimport\((?!\s*')/), []);
});

test('make builds again when any source file has changed', () => {
  const rules = execFileSync('make', ['-pn'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  const needed = new Set(/^dist\/index\.js: (.*)/m.exec(rules)?.[1]?.split(' '));
  assert.deepEqual(
    sources.filter((file) => !file.endsWith('.d.cts') && !needed.has(file)),
    [],
  );
});
