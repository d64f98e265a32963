import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Archive, formatArchive, parseArchive } from './archive.js';
import { env, type Result, root, shell } from './shell.js';

/** A case of test/cases; see its README. */
export interface Case {
  /** `filter/dport`, or `filter/usage/bad-comm` from the archive `filter/usage.txtar` */
  name: string;
  /** Its archive, `test/cases/filter/dport.txtar` */
  path: string;
  cmd: string;
  files: Archive;
  /** Writes the archive, with `files` as they are now. */
  save(): void;
}

/** The names that mean something, in the order of an archive. All other files, "", are copied to where the command runs. */
const order = ['whole', 'cmd', '', 'input', 'input.sh', 'stdout', 'stderr', 'code', 'check'];

/** Reads the cases whose names start with `prefix`. Throws an Error if no name does. */
export async function readCases(prefix = ''): Promise<Case[]> {
  const entries = await readdir(join(root, 'test/cases'), { withFileTypes: true });
  const commands = entries.flatMap((entry) => (entry.isDirectory() ? [entry.name] : [])).sort();
  const all = (await Promise.all(commands.map(casesOf))).flat();
  const cases = all.filter(({ name }) => name.startsWith(prefix));
  if (cases.length === 0) throw new Error(`no golden case has a name that starts with "${prefix}"`);
  return cases;
}

async function casesOf(command: string): Promise<Case[]> {
  const files = (await readdir(join(root, 'test/cases', command))).sort();
  const cases = files.map(async (file) => {
    const path = `test/cases/${command}/${file}`;
    try {
      if (!file.endsWith('.txtar')) throw new Error('not an archive (NAME.txtar)');
      return casesIn(path, `${command}/${file.slice(0, -'.txtar'.length)}`, await readFile(join(root, path)));
    } catch (error) {
      throw new Error(`${path}: ${(error as Error).message}`);
    }
  });
  return (await Promise.all(cases)).flat();
}

/** An archive with a `cmd` is one case. Otherwise each of its folders is one. */
function casesIn(path: string, name: string, bytes: Buffer): Case[] {
  const archive = parseArchive(bytes);
  const folders = new Map<string, Archive>();
  for (const [file, content] of archive) {
    const folder = archive.has('cmd') ? '' : file.slice(0, file.indexOf('/') + 1);
    folders.set(folder, (folders.get(folder) ?? new Map()).set(file.slice(folder.length), content));
  }
  const save = () => writeFileSync(join(root, path), formatCases(folders));
  return [...folders].map(([folder, files]) => {
    const cmd = files.get('cmd')?.toString().trimEnd();
    if (cmd === undefined) throw new Error(`${folder}cmd is missing`);
    return { name: join(name, folder).replace(/\/$/, ''), path, cmd, files, save };
  });
}

/** Returns an archive. `folders`: a case's files by its folder, which is "" or ends with a slash. */
export function formatCases(folders: Map<string, Archive>): Buffer {
  const rank = ([name]: [string, unknown]) => order.indexOf(order.includes(name) ? name : '');
  const files = [...folders].flatMap(([folder, files]) =>
    [...files].sort((a, b) => rank(a) - rank(b)).map(([name, file]) => [folder + name, file] as const),
  );
  return formatArchive(new Map(files));
}

export async function inputOf({ files }: Case): Promise<Buffer> {
  const script = files.get('input.sh');
  if (!script) return files.get('input') ?? Buffer.alloc(0);
  const { stdout, stderr, code } = await shell(`{ ${script}\n} | base64 -w0`, tmpdir());
  if (code !== 0) throw new Error(`input.sh failed: ${stderr}`);
  return Buffer.from(stdout, 'base64');
}

export function expected({ files }: Case): Result {
  const read = (name: string) => files.get(name)?.toString() ?? '';
  return { stdout: read('stdout'), stderr: read('stderr'), code: Number(read('code')) };
}

/** Makes this result the expected one. */
export function update({ files, save }: Case, { stdout, stderr, code }: Result): void {
  const texts = { stdout, stderr, code: code === 0 ? '' : `${code}\n` };
  for (const [name, text] of Object.entries(texts)) {
    if (text) files.set(name, Buffer.from(text));
    else files.delete(name);
  }
  save();
}

/** Runs a case in a fresh folder. */
export async function run(one: Case, input: Buffer, environment = env): Promise<Result & { check?: Result }> {
  const cwd = await mkdtemp(join(tmpdir(), 'synpipe-case-'));
  try {
    for (const [name, content] of one.files) {
      if (order.includes(name)) continue;
      await mkdir(dirname(join(cwd, name)), { recursive: true });
      await writeFile(join(cwd, name), content);
    }
    const result = await shell(one.cmd, cwd, input, environment);
    const check = one.files.get('check');
    return check ? { ...result, check: await shell(check.toString(), cwd, '', environment) } : result;
  } finally {
    await rm(cwd, { recursive: true, force: true });
  }
}
