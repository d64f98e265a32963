import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
const pieces = fileURLToPath(new URL('pieces.cjs', import.meta.url));
const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...inherited } = process.env;

/**
 * The environment for commands: the built ones come first, times are UTC. A shell is one in another: the first, with a
 * socket as its input, as Node's pipes are, takes itself for a remote one and reads ~/.bashrc, which may say something.
 */
export const env = {
  ...inherited,
  PATH: `${root}dist/bin:${process.env.PATH}`,
  TZ: 'UTC',
  LC_ALL: 'C.UTF-8',
  SHLVL: '1',
};

/** The same, where every stage reads its stdin in pieces of at most so many bytes. */
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

/** Runs a line of shell to its end. Bytes that are no UTF-8 come back as latin1, so that none is lost. */
export async function shell(
  line: string,
  cwd: string,
  input: Buffer | string = '',
  environment = env,
): Promise<Result> {
  const child = spawn('bash', ['-o', 'pipefail', '-c', line], { cwd, env: environment });
  child.stdin.on('error', () => {}); // it need not read all of its input
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
