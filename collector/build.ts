import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { native } from '../schemas/pipe/io/native.js';
import { RuntimeError } from '../schemas/pipe/messages/errors.js';
import { refusal } from './addon.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

const runs = (command: string) => spawnSync(command, ['--version']).error === undefined;

function compiles(header: string): boolean {
  const input = `#include <cstddef>\n#include <${header}>\n`;
  return spawnSync('g++', ['-fsyntax-only', '-x', 'c++', '-'], { input }).status === 0;
}

/** What is not on this machine that the build needs. */
function missing(): string[] {
  const commands = ['make', 'gcc', 'g++', 'python3', 'npm'];
  if (!existsSync(native('bpf'))) commands.push('clang', 'llvm-strip');
  const lacking = commands.filter((command) => !runs(command));
  if (!lacking.includes('g++'))
    lacking.push(...['bpf/libbpf.h', 'libelf.h', 'zlib.h'].filter((header) => !compiles(header)));
  if (!existsSync(resolve(process.execPath, '../../include/node/node_api.h'))) lacking.push('node_api.h (of Node)');
  return lacking;
}

/**
 * Where the native part that the package brought does not work here, builds it from the sources in the package, with
 * what is on this machine: nothing is downloaded. Says what it did; throws a RuntimeError where it cannot.
 */
export function build(): string {
  const reason = refusal();
  if (reason === undefined) return 'the native part works here: nothing to build';
  const lacking = missing();
  if (lacking.length > 0)
    throw new RuntimeError(`cannot build the native part (${reason}): install what is missing: ${lacking.join(', ')}`);
  for (const addon of ['collector.node', 'pipe.node']) rmSync(native(addon), { force: true }); // as old as its sources, for make
  const { status, stderr } = spawnSync('make', ['--silent', '--no-print-directory', 'native'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const built of ['collector', 'schemas/pipe/native'])
    rmSync(join(root, built, 'build'), { recursive: true, force: true });
  if (status !== 0) {
    const [line = 'no reason given'] = /^.*\berror\b.*$/im.exec(stderr) ?? stderr.trim().split('\n').slice(-1);
    throw new RuntimeError(`cannot build the native part: ${line}; make native in ${root} tells more`);
  }
  const still = refusal();
  if (still !== undefined) throw new RuntimeError(`the native part does not work, though it was built here: ${still}`);
  return 'built the native part';
}
