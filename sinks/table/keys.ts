import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { ReadStream } from 'node:tty';

const path = '/dev/tty';

/**
 * Changes how the terminal takes keys, and back: a process of its own, so that it is changed back however this one ends.
 * Only lines and their echo go; what Ctrl-C and Ctrl-Z do stays with the terminal. It is told by lines, and says when each
 * is done. In the background only one that ignores SIGTTOU may change a terminal.
 */
const keeper = `trap '' INT TERM HUP QUIT TSTP TTIN TTOU PIPE
saved=
while read -r wanted; do
  case $wanted in
  keys) saved=$(stty -g <${path}) && stty -icanon -echo min 1 time 0 <${path} || saved= ;;
  lines) [ -z "$saved" ] || stty "$saved" <${path}; saved= ;;
  esac
  echo "$saved"
done
[ -z "$saved" ] || stty "$saved" <${path}`;

/** The keys that are typed on the terminal while a pipe is standard input. */
export class Keys {
  #keeper: ChildProcess | undefined;
  #input: ReadStream | undefined;
  #saved = ''; // how the terminal was, while it is not
  #over = false;
  #changed = () => {};
  readonly #stop = () => void this.#lines().then(() => process.kill(process.pid, 'SIGSTOP'));
  readonly #continue = () => {
    this.#changed();
    void this.#keys();
  };

  /** q now ends all that Ctrl-C would end. `changed`: another program has used the terminal. */
  begin(changed: () => void): void {
    if (this.#keeper) return;
    this.#changed = changed;
    this.#keeper = spawn('sh', ['-c', keeper], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#keeper.on('error', () => {}); // no keys, then
    this.#keeper.on('exit', () => this.#kept());
    this.#keeper.stdin?.on('error', () => {});
    this.#keeper.stdout?.resume();
    process.on('SIGTSTP', this.#stop);
    process.on('SIGCONT', this.#continue);
    void this.#keys();
  }

  /** The terminal is as it was. */
  async end(): Promise<void> {
    const keeper = this.#keeper;
    if (!keeper) return;
    this.#over = true;
    process.off('SIGTSTP', this.#stop);
    process.off('SIGCONT', this.#continue);
    this.#input?.destroy();
    const gone = isGone(keeper) ? undefined : once(keeper, 'exit');
    keeper.stdin?.end();
    await gone;
  }

  async #keys(): Promise<void> {
    if (!inForeground()) return;
    await this.#tell('keys');
    if (this.#over || this.#saved === '' || !inForeground()) return;
    this.#input?.destroy();
    this.#input = new ReadStream(openSync(path, 'r'));
    this.#input.on('error', () => {});
    this.#input.on('data', (typed) => {
      if (typed.includes('q')) process.kill(0, 'SIGINT');
    });
  }

  async #lines(): Promise<void> {
    this.#input?.destroy();
    await this.#tell('lines');
  }

  /** Resolves when it is done. */
  async #tell(wanted: 'keys' | 'lines'): Promise<void> {
    const keeper = this.#keeper as ChildProcess;
    if (isGone(keeper)) return;
    const said = Promise.race([once(keeper.stdout as ReadStream, 'data'), once(keeper, 'exit').then(() => [''])]);
    keeper.stdin?.write(`${wanted}\n`);
    this.#saved = String((await said)[0]).trim();
  }

  /** The keeper has ended: if somebody killed it, the terminal is not as it was. */
  #kept(): void {
    if (!this.#over && this.#saved !== '')
      spawn('sh', ['-c', `trap '' TTOU; stty "$0" <${path}`, this.#saved], { stdio: 'ignore' }).on('error', () => {});
    this.#saved = '';
  }
}

const isGone = ({ pid, exitCode, signalCode }: ChildProcess) =>
  pid === undefined || exitCode !== null || signalCode !== null;

/** Whether this process may read the terminal: one in the background would be stopped. */
function inForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return group === foreground;
}
