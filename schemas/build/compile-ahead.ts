/**
 * Part of the build: compiles commands ahead of time. Most of a command's start-up time beyond that of Node itself is
 * compilation. V8 can cache the compiled code of the functions that a run needed.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const dist = fileURLToPath(new URL('../../dist/', import.meta.url));

/** Wraps code as Node wraps CommonJS. */
export const wrapper = {
  open: '(function (exports, require, module, __filename, __dirname) {',
  close: '})',
};

/** Returns the path of the code for the executable at this path in dist/. */
export const codeOf = (place: string) => `${dist}code/${basename(place, '.cjs')}.js`;

/** Returns an executable that runs a command's code. V8's cache is only valid for the Node that built it; another compiles. */
const executable = (code: string) => `#!/usr/bin/env node
const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');
const code = \`\${__dirname}/../code/${basename(code)}\`;
let cachedData;
try {
  cachedData = readFileSync(\`\${code}.\${process.arch}-\${process.version}\`);
} catch {}
const script = new Script(readFileSync(code, 'latin1'), { filename: code, cachedData });
script.runInThisContext()(exports, require, module, __filename, __dirname);
`;

/**
 * Writes the executable at a path in dist/ from its code, which must be wrapped and in ASCII, and compiles the functions that a
 * run with these arguments needs on empty input. Throws if that run fails.
 */
export function compileAhead(place: string, start: readonly string[]): void {
  const code = codeOf(place);
  const path = `${dist}${place}`;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, executable(code));
  chmodSync(path, 0o755);
  const { NODE_OPTIONS: _, ...env } = process.env; // V8 rejects code that was compiled with other flags
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
