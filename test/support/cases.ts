import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { env, envInPieces, type Result, shell } from './shell.js';

const casesDir = fileURLToPath(new URL('../cases/', import.meta.url));

/** One folder of test/cases; see its README. */
export interface Case {
  /** `filter/dport` */
  name: string;
  dir: string;
  cmd: string;
  files: string[];
}

/** File names with a meaning. All other files of a case are copied to where its command runs. */
const own = new Set(['cmd', 'input', 'input.sh', 'stdout', 'stderr', 'code', 'check', 'whole']);

export async function readCases(): Promise<Case[]> {
  const cases: Case[] = [];
  for (const command of await folders(casesDir)) {
    for (const name of await folders(join(casesDir, command))) {
      const dir = join(casesDir, command, name);
      const cmd = (await readFile(join(dir, 'cmd'), 'utf8')).trimEnd();
      cases.push({ name: `${command}/${name}`, dir, cmd, files: await readdir(dir) });
    }
  }
  return cases;
}

async function folders(dir: string): Promise<string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  return entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
}

export async function inputOf({ dir, files }: Case): Promise<Buffer> {
  if (files.includes('input')) return readFile(join(dir, 'input'));
  if (!files.includes('input.sh')) return Buffer.alloc(0);
  const { stdout, stderr, code } = await shell('./input.sh | base64 -w0', dir);
  if (code !== 0) throw new Error(`input.sh failed: ${stderr}`);
  return Buffer.from(stdout, 'base64');
}

export async function expected({ dir, files }: Case): Promise<Result> {
  const read = async (name: string) => (files.includes(name) ? readFile(join(dir, name), 'utf8') : '');
  return { stdout: await read('stdout'), stderr: await read('stderr'), code: Number(await read('code')) };
}

/** Makes the result the new expectation. */
export async function update({ dir }: Case, { stdout, stderr, code }: Result): Promise<void> {
  const texts = { stdout, stderr, code: code === 0 ? '' : `${code}\n` };
  for (const [name, text] of Object.entries(texts)) {
    if (text) await writeFile(join(dir, name), text);
    else await rm(join(dir, name), { force: true });
  }
}

/** Runs a case in a fresh folder. `most` is the longest piece in which its stages read input; unlimited if omitted. */
export async function run(one: Case, input: Buffer, most?: number): Promise<Result & { check?: Result }> {
  const cwd = await mkdtemp(join(tmpdir(), 'synpipe-case-'));
  try {
    for (const file of one.files) {
      if (!own.has(file)) await cp(join(one.dir, file), join(cwd, file), { recursive: true });
    }
    const result = await shell(one.cmd, cwd, input, most === undefined ? env : envInPieces(most));
    if (!one.files.includes('check')) return result;
    return { ...result, check: await shell(`. '${join(one.dir, 'check')}'`, cwd) };
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
