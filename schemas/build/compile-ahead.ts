/**
 * Part of the build: compiles commands ahead. Most of what a start of Node costs beyond Node itself is compiling; V8 can
 * keep that, with the functions that a run has needed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** Wraps code as Node does with a file of CommonJS. `import()` has no meaning in code that V8 has kept: it is given too. */
export const wrapper = {
  banner: { js: '(function (exports, require, module, __filename, __dirname, importModule) {' },
  footer: { js: '})' },
};

/** Where the code of the executable at this place in dist/ goes. */
export const codeOf = (place: string) => `${dist}code/${basename(place, '.cjs')}.js`;

/** Runs a command's code. What V8 has kept is for the Node that has built it; another one compiles it anew. */
const executable = (code: string) => `#!/usr/bin/env node
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const code = \`\${__dirname}/../code/${basename(code)}\`;
let cachedData;
try {
  cachedData = readFileSync(\`\${code}.\${process.arch}-\${process.version}\`);
} catch {}
const script = new Script(readFileSync(code, 'latin1'), { filename: code, cachedData });
const importModule = (name) => import(name);
script.runInThisContext()(exports, require, module, __filename, __dirname, importModule);
`;

/**
 * Makes the executable at a place in dist/ of its code, wrapped and all ASCII, and compiles that as far as a run with
 * these arguments needs, on no input.
 */
export function compileAhead(place: string, start: readonly string[]): void {
  const code = codeOf(place);
  writeFileSync(code, readFileSync(code, 'latin1').replace(/(?<![.\w$])import\(/g, 'importModule('));
  const path = `${dist}${place}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, executable(code));
  chmodSync(path, 0o755);
  const { NODE_OPTIONS: _, ...env } = process.env; // V8 takes nothing that was compiled under other flags
  const result = `${code}.${process.arch}-${process.version}`;
  const warm = fileURLToPath(new URL('warm.cjs', import.meta.url));
  const { error, stderr } = spawnSync(process.execPath, [warm, code, result, path, ...start], {
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 60_000,
    encoding: 'utf8',
    env,
  });
  if (error || !existsSync(result)) throw new Error(`${place} ${start.join(' ')}: ${error?.message ?? stderr}`);
}
