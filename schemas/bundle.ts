/**
 * Part of the build: each command becomes one file of CommonJS, which starts faster than modules do: one file to find and
 * read, already compiled by V8, and of Node's own modules only what Node itself has loaded, the others when they are first
 * used.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

/** What is in Node from its start: these cost nothing. */
const loaded = new Set(['node:buffer', 'node:events', 'node:fs', 'node:path', 'node:process', 'node:url']);

/** What many runs do not need, in files of their own: for lines that the scanner does not know, for the first, for one. */
const seldom = [
  './schemas/generated/validate.cjs',
  './schemas/generated/wasm.js',
  './schemas/generated/scan.js',
  'undici',
  'lru-cache',
];

/** Loads a module when one of its exports is first used: Node's own ones, and those. */
const lazy: Plugin = {
  name: 'lazy',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^node:|^(${builtinModules.join('|')})$`) }, ({ path, namespace, kind }) =>
      loaded.has(path) || namespace === 'lazy' || kind !== 'import-statement'
        ? { path, external: true }
        : { path, namespace: 'lazy' },
    );
    onResolve({ filter: /^undici$|^lru-cache$|\/generated\/(validate\.cjs|scan\.js|wasm\.js)$/ }, ({ path }) => ({
      path: fileOf(path),
      namespace: 'lazy',
    }));
    onResolve({ filter: /^\.\.\/seldom\// }, () => ({ external: true }));
    onLoad({ filter: /./, namespace: 'lazy' }, async ({ path }) => {
      const names = Object.keys(await import(path.startsWith('.') ? `${dist}bin/${path}` : path));
      const getter = `get: () => (found ??= require(${JSON.stringify(path)}))[name]`;
      return {
        contents: `let found;\nfor (const name of ${JSON.stringify(names.filter((name) => name !== 'default'))})
  Object.defineProperty(exports, name, { enumerable: true, ${getter} });\n`,
      };
    });
  },
};

/** A module goes on to find what lies beside it, wherever its code has gone. */
const places: Plugin = {
  name: 'places',
  setup({ onLoad }) {
    onLoad({ filter: /\/dist\/(collector|schemas|transforms|sinks)\/.*\.js$/ }, ({ path }) => {
      const place = JSON.stringify(`/../${relative(dist, path)}`);
      const url = `require('node:url').pathToFileURL(__dirname + ${place}).href`;
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'js' };
    });
  },
};

const common: BuildOptions = { bundle: true, platform: 'node', target: 'node20', format: 'cjs', logLevel: 'warning' };
const fileOf = (module: string) => `../seldom/${basename(module).replace(/\.c?js$/, '')}.cjs`;

/** Wraps code as Node does with a file of CommonJS. `import()` has no meaning in code that V8 has kept: it is given too. */
const wrapper = { js: '(function (exports, require, module, __filename, __dirname, importModule) {' };
const withImport = (code: string) => code.replace(/\bimport\((?=")/g, 'importModule(');

/** Runs dist/code/NAME.js. What V8 made of it is for this Node only: another one compiles it anew. */
const executable = (name: string) => `#!/usr/bin/env node
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const code = \`\${__dirname}/../code/${name}.js\`;
let cachedData;
try {
  cachedData = readFileSync(\`\${code}.\${process.arch}-\${process.version}\`);
} catch {}
const script = new Script(readFileSync(code, 'latin1'), { filename: code, cachedData });
const importModule = (name) => import(name);
script.runInThisContext()(exports, require, module, __filename, __dirname, importModule);
`;

/** What an executable is made of. */
export interface Source {
  /** Code whose imports are relative to dist/bin. */
  contents: string;
  /** A command line with which it starts, as for most runs, and soon ends, given no input: it is compiled as that needs. */
  start: readonly string[];
}

/** Makes executables, by their places in dist/. */
export async function bundle(executables: Record<string, Source>): Promise<void> {
  for (const module of seldom) {
    const entry = module.startsWith('.') ? `${dist}${module}` : module;
    await build({ ...common, entryPoints: [entry], outfile: `${dist}bin/${fileOf(module)}` });
  }
  rmSync(`${dist}code`, { recursive: true, force: true });
  mkdirSync(`${dist}code`);
  for (const [place, { contents, start }] of Object.entries(executables)) {
    const name = basename(place, '.cjs');
    const code = `${dist}code/${name}.js`;
    await build({
      ...common,
      stdin: { contents, resolveDir: `${dist}bin`, sourcefile: `${name}.js` },
      outfile: code,
      banner: wrapper,
      footer: { js: '})' },
      charset: 'ascii', // it is read as latin1, which is half as large in memory
      external: ['tsx'],
      plugins: [lazy, places],
    });
    writeFileSync(code, withImport(readFileSync(code, 'utf8')));
    mkdirSync(dirname(`${dist}${place}`), { recursive: true });
    writeFileSync(`${dist}${place}`, executable(name));
    chmodSync(`${dist}${place}`, 0o755);
    compile(code, `${dist}${place}`, start);
  }
}

/** Runs it, so that V8 has compiled it. With no options of Node's: what was compiled under others is not taken. */
function compile(code: string, place: string, start: readonly string[]): void {
  const warm = fileURLToPath(new URL('warm.cjs', import.meta.url));
  const { NODE_OPTIONS: _, ...env } = process.env;
  const result = `${code}.${process.arch}-${process.version}`;
  execFileSync(process.execPath, [warm, code, result, place, ...start], {
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: 60_000,
    env,
  });
}
