/**
 * Part of the build: runs the code of a command and at its end writes V8's cache, with the functions that this run needed:
 * `node warm.cjs CODE RESULT EXECUTABLE ARG…`.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { createRequire } = require('node:module');
const { dirname } = require('node:path');
const { Script } = require('node:vm');

const [code, result, executable, ...args] = process.argv.splice(2);
process.argv.splice(1, 1, executable, ...args);
const script = new Script(readFileSync(code, 'latin1'), { filename: code });
process.on('exit', () => writeFileSync(result, script.createCachedData()));
const module_ = { exports: {} };
script.runInThisContext()(module_.exports, createRequire(executable), module_, executable, dirname(executable));
