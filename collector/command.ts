import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { cause, RuntimeError, remedy } from '../schemas/pipe/errors.js';
import { say } from '../schemas/pipe/say.js';
import type { Command } from './caller.js';
import { cgroup2 } from './scope.js';

/** Joins the cgroup, waits for the word to go, and becomes the command. */
const shim = 'echo $$ > "$0/cgroup.procs" && read -r _ <&3 && exec 3<&- && exec "$@"';

/**
 * Does what this process may not do any more once it has given up its rights: sends signals to the command ($1), which
 * may be another user's, and removes the cgroup ($0) after the word that the command has ended, or, if this process dies
 * without it, once the command and what it started have. Exits with 1 if processes are left in it, and waits for those
 * in the background.
 */
const helper = `trap '' INT TERM HUP
patient() { while [ -d "$0" ] && ! rmdir "$0" 2>/dev/null; do sleep 1; done; }
while read -r word || patient; do
  case $word in TERM | HUP) kill -s "$word" "$1" ;; *) break ;; esac
done
for i in 1 2 3 4 5 6 7 8 9 10; do rmdir "$0" 2>/dev/null && exit; [ -d "$0" ] || exit 0; sleep 0.1; done
patient & exit 1`;

/**
 * A command in a cgroup of its own: whatever it starts is in there too, also what leaves its process tree (a daemon's
 * double fork), which following parents would miss. It waits until `go()`, so that its first attempt is seen.
 */
export class Traced {
  /** The cgroup's folder, below this process's own, whose limits go on to hold. */
  readonly cgroup: string;
  /** The command's exit status; 128 and the signal's number if it died of one. */
  readonly ended: Promise<number>;
  running = true;
  readonly #child: ChildProcess;
  readonly #helper: ChildProcess;

  /** Throws RuntimeError where no cgroup can be made. The command's output goes to stderr: stdout is for events. */
  constructor({ argv, options, env }: Command) {
    const mount = cgroup2();
    if (mount === undefined)
      throw new RuntimeError('cannot trace a command: no cgroup2 is mounted; see synpipe doctor');
    const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/';
    this.cgroup = `${mount}${own === '/' ? '' : own}/synpipe-${process.pid}`;
    try {
      mkdirSync(this.cgroup);
    } catch (error) {
      throw new RuntimeError(`cannot make ${this.cgroup}: ${cause(error)}; ${remedy(error)}`);
    }
    const args = ['-c', shim, this.cgroup, 'setpriv', ...options, '--', ...argv];
    this.#child = spawn('sh', args, { stdio: ['inherit', 2, 2, 'pipe'], env: { ...process.env, ...env } });
    const helped = ['-c', helper, this.cgroup, String(this.#child.pid)];
    this.#helper = spawn('sh', helped, { stdio: ['pipe', 'ignore', 'ignore'] });
    this.#helper.stdin?.on('error', () => {}); // somebody killed it
    this.ended = new Promise((resolve) => {
      this.#child.on('exit', (code, signal) => {
        this.running = false;
        resolve(code ?? 128 + constants.signals[signal as NodeJS.Signals]);
      });
    });
  }

  go(): void {
    const word = this.#child.stdio[3] as Writable;
    word.on('error', () => {}); // it has ended already: its exit status tells
    word.end('go\n');
  }

  /** It does not run at all: the tracer could not be started. */
  cancel(): void {
    (this.#child.stdio[3] as Writable).end();
    this.ended.then(() => this.remove());
  }

  /** SIGTERM or SIGHUP: the helper sends no other. */
  kill(signal: NodeJS.Signals): void {
    this.#helper.stdin?.write(`${signal.slice(3)}\n`);
  }

  /** Call when it has ended. */
  async remove(): Promise<void> {
    const exit = once(this.#helper, 'exit');
    this.#helper.stdin?.end('end\n');
    const [code] = await exit;
    if (code !== 0) say('collector', `the command left processes behind; they are in ${this.cgroup}`);
  }
}
