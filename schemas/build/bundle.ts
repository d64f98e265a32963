/**
 * Part of the build: bundles each command into one CommonJS file. That starts faster than modules: there is one file to find and
 * read, it is compiled ahead, and Node's own modules that Node has not loaded itself are loaded on first use. All npm packages
 * are bundled except tsx, which `apply` uses if it is installed, so the installed program needs no packages.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { codeOf, compileAhead, wrapper } from './compile-ahead.js';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** Modules that Node itself loads at start: they cost nothing. */
const loaded = new Set(['node:buffer', 'node:events', 'node:fs', 'node:path', 'node:process', 'node:url']);

/** Modules that many runs do not need. Each becomes a separate file, loaded on first use. */
const seldom = [
  './schemas/generated/validate.cjs',
  './schemas/generated/wasm.js',
  './schemas/generated/scan.js',
  './schemas/pipe/io/import-module.cjs',
  './schemas/nats/nats-client.js',
  'undici',
  'lru-cache',
  're2js',
  '@hpcc-js/wasm-zstd',
];

/** Loads Node's own modules and the modules in `seldom` when one of their exports is first used. */
const lazy: Plugin = {
  name: 'lazy',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^node:|^(${builtinModules.join('|')})$`) }, ({ path, namespace, kind }) =>
      loaded.has(path) || namespace === 'lazy' || kind !== 'import-statement'
        ? { path, external: true }
        : { path, namespace: 'lazy' },
    );
    onResolve({ filter: /^\.\.\/seldom\// }, () => ({ external: true }));
    onResolve(
      {
        filter:
          /^(undici|lru-cache|re2js|@hpcc-js\/wasm-zstd)$|\/generated\/(validate\.cjs|scan\.js|wasm\.js)$|\/(import-module\.cjs|nats-client\.js)$/,
      },
      ({ path }) => ({ path: fileOf(path), namespace: 'lazy' }),
    );
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

/**
 * What `import.meta.url` is in a bundle whose folder is `up` from dist/: the place of io/dist.ts, the only module that uses it.
 */
const location = (up: string) =>
  `const importMetaUrl = require('node:url').pathToFileURL(__dirname + '/${up}schemas/pipe/io/dist.js').href;`;
const define = { 'import.meta.url': 'importMetaUrl' };

/** The npm packages that are part of what was built. */
export const packages = new Set<string>();

/** Runs esbuild, and adds the packages that it bundled to `packages`. */
export async function buildNoting(options: BuildOptions): Promise<void> {
  const { metafile } = await build({ bundle: true, logLevel: 'warning', metafile: true, ...options });
  for (const input of Object.keys(metafile?.inputs ?? {})) {
    const [, name] = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input) ?? [];
    if (name !== undefined) packages.add(name);
  }
}

/** Calls of the console are dropped: a package that writes to the console would write into the stream of events. */
const common: BuildOptions = { platform: 'node', target: 'node20', format: 'cjs', drop: ['console'] };
const fileOf = (module: string) => `../seldom/${basename(module).replace(/\.c?js$/, '')}.cjs`;

/** The source of a file in dist/. */
export interface Source {
  /** Code whose imports are relative to dist/bin. */
  contents: string;
  /** For an executable: arguments with which it starts as usual and ends soon on empty input. */
  start?: readonly string[];
}

/** Writes these files; each key is a path in dist/. */
export async function bundle(files: Record<string, Source>): Promise<void> {
  for (const module of seldom) {
    const entry = module.startsWith('.') ? `${dist}${module}` : module;
    const outfile = `${dist}bin/${fileOf(module)}`;
    const minifyWhitespace = /^\.|^undici$/.test(module); // large files that nobody reads: most of them are generated
    await buildNoting({ ...common, entryPoints: [entry], outfile, minifyWhitespace });
  }
  rmSync(`${dist}code`, { recursive: true, force: true });
  mkdirSync(`${dist}code`);
  for (const [place, { contents, start }] of Object.entries(files)) {
    await buildNoting({
      ...common,
      stdin: { contents, resolveDir: `${dist}bin`, sourcefile: `${basename(place)}.js` },
      outfile: start ? codeOf(place) : `${dist}${place}`,
      banner: { js: (start ? wrapper.open : '') + location('../') },
      footer: { js: start ? wrapper.close : '' },
      define,
      charset: 'ascii',
      external: ['tsx'],
      plugins: [lazy],
    });
    if (start) compileAhead(place, start);
  }
}

/**
 * Bundles the module of each worker thread in dist/ into one file beside it, NAME.cjs. It shares the files of zstd's decoder and
 * of the scanner.
 */
export async function bundleThreads(modules: string[]): Promise<void> {
  for (const module of modules) {
    const up = '../'.repeat(module.split('/').length - 1);
    const shared: Plugin = {
      name: 'shared',
      setup({ onResolve }) {
        onResolve({ filter: /^@hpcc-js\/wasm-zstd$|\/generated\/wasm\.js$/ }, ({ path }) => ({
          path: fileOf(path).replace('../', up),
          external: true,
        }));
      },
    };
    await buildNoting({
      ...common,
      entryPoints: [`${dist}${module}`],
      outfile: `${dist}${module.replace(/js$/, 'cjs')}`,
      banner: { js: location(up) },
      define,
      plugins: [shared],
    });
  }
}
