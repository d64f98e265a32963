/**
 * Part of the build: each command becomes one file of CommonJS, which starts faster than modules do: one file to find
 * and read, compiled ahead, and of Node's own modules only what Node itself has loaded, the others when they are first used.
 * All packages but tsx, which `apply` may find, are in them: what is installed needs no others.
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, dirname, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { codeOf, compileAhead, wrapper } from './compile-ahead.js';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** What is in Node from its start: these cost nothing. */
const loaded = new Set(['node:buffer', 'node:events', 'node:fs', 'node:path', 'node:process', 'node:url']);

/** What many runs do not need, in files of their own: for lines that the scanner does not know, for the first, for one. */
const seldom = [
  './schemas/generated/validate.cjs',
  './schemas/generated/wasm.js',
  './schemas/generated/scan.js',
  'undici',
  'lru-cache',
  're2js',
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
    onResolve({ filter: /^(undici|lru-cache|re2js)$|\/generated\/(validate\.cjs|scan\.js|wasm\.js)$/ }, ({ path }) => ({
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
  setup({ onLoad, initialOptions }) {
    const folder = dirname(initialOptions.outfile as string);
    onLoad({ filter: /\/dist\/(collector|schemas|transforms|sinks)\/.*\.js$/ }, ({ path }) => {
      const place = JSON.stringify(`/${relative(folder, path)}`);
      const url = `require('node:url').pathToFileURL(__dirname + ${place}).href`;
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'js' };
    });
  },
};

/** The npm packages of which something is in what was built. */
export const packages = new Set<string>();

/** esbuild, and a note of the packages it took. */
export async function buildNoting(options: BuildOptions): Promise<void> {
  const { metafile } = await build({ bundle: true, logLevel: 'warning', metafile: true, ...options });
  for (const input of Object.keys(metafile?.inputs ?? {})) {
    const [, name] = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input) ?? [];
    if (name !== undefined) packages.add(name);
  }
}

/** A package that writes to the console would write into the stream of events. */
const common: BuildOptions = { platform: 'node', target: 'node20', format: 'cjs', drop: ['console'] };
const fileOf = (module: string) => `../seldom/${basename(module).replace(/\.c?js$/, '')}.cjs`;

/** What a file in dist/ is made of. */
export interface Source {
  /** Code whose imports are relative to dist/bin. */
  contents: string;
  /** Of an executable: arguments with which it starts as it mostly does, and soon ends, given no input. */
  start?: readonly string[];
}

/** Makes files, by their places in dist/. */
export async function bundle(files: Record<string, Source>): Promise<void> {
  for (const module of seldom) {
    const entry = module.startsWith('.') ? `${dist}${module}` : module;
    await buildNoting({ ...common, entryPoints: [entry], outfile: `${dist}bin/${fileOf(module)}` });
  }
  rmSync(`${dist}code`, { recursive: true, force: true });
  mkdirSync(`${dist}code`);
  for (const [place, { contents, start }] of Object.entries(files)) {
    await buildNoting({
      ...common,
      stdin: { contents, resolveDir: `${dist}bin`, sourcefile: `${basename(place)}.js` },
      outfile: start ? codeOf(place) : `${dist}${place}`,
      ...(start && wrapper),
      charset: 'ascii',
      external: ['tsx'],
      plugins: [lazy, places],
    });
    if (start) compileAhead(place, start);
  }
}

/** Makes of each thread's module in dist/ one file beside it, NAME.cjs. */
export async function bundleThreads(modules: string[]): Promise<void> {
  for (const module of modules)
    await buildNoting({
      ...common,
      entryPoints: [`${dist}${module}`],
      outfile: `${dist}${module.replace(/js$/, 'cjs')}`,
    });
}
