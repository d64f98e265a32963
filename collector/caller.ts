import { spawnSync } from 'node:child_process';
import { accessSync } from 'node:fs';
import { callersDescriptors, callersOpenFiles } from './inherited.js';
import { sudoCaller } from './user.js';

/** A command, and how to run it with setpriv. */
export interface Command {
  argv: readonly string[];
  options: readonly string[];
  env: NodeJS.ProcessEnv;
  /** The caller's descriptors that Node would not pass on. */
  descriptors: readonly number[];
  /** The soft limit of open files. */
  openFiles: string;
}

/** Returns a command set up to run as the user who called this one: as sudo's caller, if there is one, not as root. */
export function asCaller(argv: readonly string[]): Command {
  const bare = ['--inh-caps=-all', '--ambient-caps=-all'];
  const { env } = process;
  const same = { argv, descriptors: callersDescriptors(), openFiles: callersOpenFiles() };
  const caller = sudoCaller();
  if (!caller) return { ...same, options: bare, env };
  const options = [...bare, `--reuid=${caller.uid}`, `--regid=${caller.gid}`];
  if (!caller.user) return { ...same, options: [...options, '--clear-groups'], env };
  const { name, home } = caller.user;
  const own = { HOME: home, USER: name, LOGNAME: name };
  return { ...same, options: [...options, '--init-groups'], env: { ...env, ...own } };
}

/** A shell script that exits with 126 if none of its arguments is an executable file. */
const anyRuns = 'for file; do [ -f "$file" ] && [ -x "$file" ] && exit; done; exit 126';

/** Returns why a command cannot be run, with the exit status that a shell would give; undefined if nothing prevents it. */
export function refusal({ argv, options }: Command): { status: 126 | 127; message: string } | undefined {
  const [name = ''] = argv;
  const { PATH = '/bin:/usr/bin' } = process.env;
  const isPath = name.includes('/');
  const files = isPath ? [name] : PATH.split(':').map((folder) => `${folder || '.'}/${name}`);
  if (!files.some(present)) {
    const remedy = isPath ? 'check the path' : 'check the name and PATH, which sudo replaces, or give the path';
    return { status: 127, message: `cannot run ${name}: ENOENT; ${remedy}` };
  }
  const { status } = spawnSync('setpriv', [...options, 'sh', '-c', anyRuns, 'sh', ...files], { stdio: 'ignore' });
  if (status !== 126) return undefined;
  const remedy = 'give a file that the user it runs as may execute';
  return { status, message: `cannot run ${name}: EACCES; ${remedy}` };
}

function present(file: string): boolean {
  try {
    accessSync(file);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES'; // it is in a folder that this user may not search
  }
}
