import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dist } from '../schemas/pipe/io/dist.js';
import { native } from '../schemas/pipe/io/native.js';
import { RuntimeError } from '../schemas/pipe/messages/errors.js';
import { refusal } from './addon.js';

const root = fileURLToPath(new URL('..', dist));

const runs = (command: string) => spawnSync(command, ['--version']).error === undefined;

function compiles(header: string): boolean {
  const input = `#include <cstddef>\n#include <${header}>\n`;
  return spawnSync('g++', ['-fsyntax-only', '-x', 'c++', '-'], { input }).status === 0;
}

/** Returns the commands and headers that the build needs and this machine lacks. */
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
 * Builds the native part from the sources in the package if the packaged one does not work here. Uses only what is on this
 * machine: downloads nothing. Returns a message that says what it did. Throws RuntimeError if it fails.
 */
export function build(): string {
  const reason = refusal();
  if (reason === undefined) return 'the native part works here: nothing to build';
  const lacking = missing();
  if (lacking.length > 0)
    throw new RuntimeError(`cannot build the native part (${reason}): install what is missing: ${lacking.join(', ')}`);
  for (const addon of ['collector.node', 'pipe.node']) rmSync(native(addon), { force: true }); // it may be as old as its sources, so that make would keep it
  const { status, stderr } = spawnSync('make', ['--silent', '--no-print-directory', 'native'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const built of ['collector', 'schemas/pipe/native'])
    rmSync(join(root, built, 'build'), { recursive: true, force: true });
  if (status !== 0) {
    const [line = 'no reason given'] = /^.*\berror\b.*$/im.exec(stderr) ?? stderr.trim().split('\n').slice(-1);
    throw new RuntimeError(`cannot build the native part: ${line}; run make native in ${root} for details`);
  }
  const still = refusal();
  if (still !== undefined)
    throw new RuntimeError(`the native part was built here but does not work: ${still}; see synpipe doctor`);
  return 'built the native part';
}
