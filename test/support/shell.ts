import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const pieces = fileURLToPath(new URL('pieces.cjs', import.meta.url));
const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env;

/**
 * The environment for commands: the built commands come first in PATH, and times are in UTC. A shell variable makes bash
 * look nested: a first-level bash with a socket as input, as Node's pipes are, thinks it is remote and reads ~/.bashrc.
 */
export const env = {
  ...inherited,
  PATH: `${root}dist/bin:${process.env.PATH}`,
  TZ: 'UTC',
  LC_ALL: 'C.UTF-8',
  SHLVL: '1',
};

/** The same, but every stage reads its stdin in pieces of at most `most` bytes. */
export const envInPieces = (most: number) => ({
  ...env,
  NODE_OPTIONS: `--require="${pieces}"`,
  PIECES: String(most),
});

export interface Result {
  stdout: string;
  stderr: string;
  code: number;
}

/** Runs a shell line to its end. Output that is not UTF-8 is returned as latin1, so that no byte is lost. */
export async function shell(
  line: string,
  cwd: string,
  input: Buffer | string = '',
  environment = env,
): Promise<Result> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { cwd, env: environment });
  child.stdin.on('error', () => {}); // it may exit without reading all input
  child.stdin.end(input);
  const [stdout, stderr, code] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve(code ?? (signal ? -1 : 0)));
    }),
  ]);
  return { stdout, stderr, code };
}

async function text(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  const all = Buffer.concat(parts);
  const utf8 = all.toString();
  return Buffer.from(utf8).equals(all) ? utf8 : all.toString('latin1');
}
