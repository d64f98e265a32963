/**
 * Part of the build: each command becomes one file of CommonJS, which starts faster than modules do: one file to find,
 * read and compile, and of Node's own modules only what Node itself has loaded, the others when they are first used.
 */
import { chmodSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { basename, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));

/** What is in Node from its start: these cost nothing. */
const loaded = new Set(['node:buffer', 'node:events', 'node:fs', 'node:path', 'node:process', 'node:url']);

/** Loads a module when one of its exports is first used: Node's own ones, and the validators, which few lines need. */
const lazy: Plugin = {
  name: 'lazy',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^node:|^(${builtinModules.join('|')})$`) }, ({ path, namespace, kind }) =>
      loaded.has(path) || namespace === 'lazy' || kind !== 'import-statement'
        ? { path, external: true }
        : { path, namespace: 'lazy' },
    );
    onResolve({ filter: /\/validate\.cjs$/ }, ({ namespace }) =>
      namespace === 'lazy' ? { external: true } : { path: '../schemas/generated/validate.cjs', namespace: 'lazy' },
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

/** Makes the executables dist/bin/NAME of the code given, whose imports are relative to that folder. */
export async function bundle(executables: Record<string, string>): Promise<void> {
  for (const [name, contents] of Object.entries(executables)) {
    await build({
      stdin: { contents, resolveDir: `${dist}bin`, sourcefile: `${basename(name)}.js` },
      outfile: `${dist}bin/${name}`,
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      banner: { js: '#!/usr/bin/env node' },
      logLevel: 'warning',
      external: ['tsx'],
      plugins: [lazy, places],
    });
    chmodSync(`${dist}bin/${name}`, 0o755);
  }
}
