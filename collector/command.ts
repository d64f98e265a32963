import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { cgroup2 } from '../schemas/pipe/io/machine.js';
import { exitStatus, spawned } from '../schemas/pipe/io/spawned.js';
import { cause, RuntimeError, remedy } from '../schemas/pipe/messages/errors.js';
import { logMessage } from '../schemas/pipe/messages/log.js';
import type { Command } from './caller.js';

/** Joins the cgroup ($0), waits for a line on descriptor `go`, and becomes the command, with $1 as the limit of open files. */
const shim = (go: number) =>
  `echo $$ > "$0/cgroup.procs" && read -r _ <&${go} && exec ${go}<&- && ulimit -S -n "$1" && shift && exec "$@"`;

/**
 * Does what this process can no longer do when it has given up its rights: sends signals to the command ($1), which may
 * belong to another user, and removes the cgroup ($0), once a line says that the command has ended or, if this process dies
 * first, once the command and everything it started have ended. Exits with 1 if processes are left in the cgroup, and waits
 * for them in the background.
 */
const helper = `trap '' INT TERM HUP
patient() { while [ -d "$0" ] && ! rmdir "$0" 2>/dev/null; do sleep 1; done; }
while read -r word || patient; do
  case $word in TERM | HUP) kill -s "$word" "$1" ;; *) break ;; esac
done
for i in 1 2 3 4 5 6 7 8 9 10; do rmdir "$0" 2>/dev/null && exit; [ -d "$0" ] || exit 0; sleep 0.1; done
patient & exit 1`;

/**
 * A command in a separate cgroup. Everything it starts is in there too, even what leaves its process tree (a daemon's double
 * fork), which following parents would miss. The command waits for `go()`, so that its first attempt is seen.
 */
export class Traced {
  /** The command's exit status; 128 plus the signal's number if a signal killed it. */
  readonly ended: Promise<number>;
  running = true;

  private constructor(
    /** The cgroup's folder, below this process's own, whose limits still apply. */
    readonly cgroup: string,
    /** A line written here lets the command run. */
    private readonly starter: Writable,
    exited: Promise<unknown[]>,
    private readonly helper: ChildProcess,
  ) {
    helper.stdin?.on('error', () => {}); // somebody killed it
    this.ended = exited.then(([code, signal]) => {
      this.running = false;
      return exitStatus(code as number | null, signal as NodeJS.Signals);
    });
  }

  /**
   * Starts the command, which waits for `go()`. Its output goes to stderr, since stdout is for events. Throws RuntimeError if
   * the cgroup cannot be made or a process cannot be started.
   */
  static async start({ argv, options, env, descriptors, openFiles }: Command): Promise<Traced> {
    const cgroup = makeCgroup();
    const go = [3, 4, 5, 6, 7, 8].find((fd) => !descriptors.includes(fd)) ?? 9; // sh supports no higher ones
    const stdio: StdioOptions = ['inherit', 2, 2];
    for (const fd of descriptors) stdio[fd] = fd;
    stdio[go] = 'pipe';
    const args = ['-c', shim(go), cgroup, openFiles, 'setpriv', ...options, '--', ...argv];
    let leave = async () => {};
    try {
      const child = await spawned('sh', args, { stdio: Array.from(stdio, (to) => to ?? 'ignore'), env });
      const starter = child.stdio[go] as Writable;
      const exited = once(child, 'exit');
      leave = async () => {
        starter.end();
        await exited;
      };
      const helped = ['-c', helper, cgroup, String(child.pid)];
      return new Traced(cgroup, starter, exited, await spawned('sh', helped, { stdio: ['pipe', 'ignore', 'ignore'] }));
    } catch (error) {
      await leave();
      rmdirSync(cgroup);
      throw error;
    }
  }

  /** Lets the command run. */
  go(): void {
    this.starter.on('error', () => {}); // the command has ended already, as its exit status shows
    this.starter.end('go\n');
  }

  /** Ends the command without running it, if the tracer could not be started. */
  cancel(): void {
    this.starter.end();
    this.ended.then(() => this.remove());
  }

  /** Sends SIGTERM or SIGHUP to the command: the helper sends no other signal. */
  kill(signal: NodeJS.Signals): void {
    this.helper.stdin?.write(`${signal.slice(3)}\n`);
  }

  /** Removes the cgroup. Call it when the command has ended. */
  async remove(): Promise<void> {
    const exit = once(this.helper, 'exit');
    this.helper.stdin?.end('end\n');
    const [code] = await exit;
    if (code !== 0) logMessage('collector', `the command left processes behind; they are in ${this.cgroup}`);
  }
}

function makeCgroup(): string {
  const mount = cgroup2();
  if (mount === undefined) throw new RuntimeError('cannot trace a command: no cgroup2 is mounted; see synpipe doctor');
  const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
  const cgroup = `${mount}${own === '/' ? '' : own}/synpipe-${process.pid}`;
  try {
    mkdirSync(cgroup);
  } catch (error) {
    throw new RuntimeError(`cannot make ${cgroup}: ${cause(error)}; ${remedy(error)}`);
  }
  return cgroup;
}
