import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { ReadStream } from 'node:tty';

const path = '/dev/tty';

/**
 * A shell script that switches the terminal to single keys and back, and writes $0 and $1 to it when it does. It is a
 * separate process, so that it restores the terminal however this process ends. It turns off only line input and echo: the
 * terminal still handles Ctrl-C and Ctrl-Z. It reads commands, one per line, and answers each with a line when it is done. It
 * ignores SIGTTOU because otherwise a background process cannot change the terminal.
 */
const keeper = `trap '' INT TERM HUP QUIT TSTP TTIN TTOU PIPE
saved=
lines() { [ -z "$saved" ] || { printf %s "$1" >${path}; stty "$saved" <${path}; }; saved=; }
while read -r wanted; do
  case $wanted in
  keys) [ -n "$saved" ] || saved=$(stty -g <${path})
    [ -n "$saved" ] && stty -icanon -echo min 1 time 0 <${path} && printf %s "$0" >${path} || saved= ;;
  lines) lines "$1" ;;
  esac
  echo "$saved"
done
lines "$1"`;

/** A shell script that restores the terminal in place of the keeper: $0 are the settings, $1 is what to write. */
const restore = `trap '' TTOU; printf %s "$1" >${path}; stty "$0" <${path}`;

/** Reads keys from the terminal while standard input may be a pipe. */
export class Keys {
  #keeper: ChildProcess | undefined;
  #input: ReadStream | undefined;
  #saved = ''; // the settings to restore, while they are changed
  #over = false;
  #changed = () => {};
  readonly #stop = () => void this.#lines().then(() => process.kill(process.pid, 'SIGSTOP'));
  readonly #continue = () => void this.#keys().then(() => this.#changed());
  /** A bug ends this process: the message must come after the terminal is restored, and stay. */
  readonly #failed = () => {
    this.#keeper?.kill('SIGKILL');
    if (this.isOn) spawnSync('sh', ['-c', restore, this.#saved, this.leave], { stdio: 'ignore' });
  };

  constructor(
    /** Called with what was typed. */
    private readonly typed: (text: string) => void,
    /** Written to the terminal before keys are read, and after that. */
    private readonly enter = '',
    private readonly leave = '',
  ) {}

  /** Whether keys are read. */
  get isOn(): boolean {
    return this.#saved !== '';
  }

  /**
   * Starts to read keys, now or as soon as this process is in the foreground. `changed` is called when another program may
   * have used the terminal before that.
   */
  async start(changed: () => void): Promise<void> {
    if (this.#keeper) return;
    this.#changed = changed;
    this.#keeper = spawn('sh', ['-c', keeper, this.enter, this.leave], { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#keeper.on('error', () => {}); // without it, keys do nothing
    this.#keeper.on('exit', () => this.#keeperExited());
    this.#keeper.stdin?.on('error', () => {});
    this.#keeper.stdout?.resume();
    process.on('SIGTSTP', this.#stop);
    process.on('SIGCONT', this.#continue);
    process.on('uncaughtExceptionMonitor', this.#failed);
    await this.#keys();
  }

  /** Restores the terminal. */
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
    process.off('uncaughtExceptionMonitor', this.#failed);
  }

  async #keys(): Promise<void> {
    if (!inForeground()) return;
    await this.#send('keys');
    if (this.#over || this.#saved === '' || !inForeground()) return;
    this.#input?.destroy();
    try {
      this.#input = new ReadStream(openSync(path, 'r'));
    } catch {
      return; // the terminal was closed after the check
    }
    this.#input.on('error', () => {});
    this.#input.on('data', (typed) => this.typed(String(typed)));
  }

  async #lines(): Promise<void> {
    this.#input?.destroy();
    await this.#send('lines');
  }

  /** Sends a command to the keeper. Resolves when it is done. */
  async #send(wanted: 'keys' | 'lines'): Promise<void> {
    const keeper = this.#keeper as ChildProcess;
    if (isGone(keeper)) return;
    const reply = Promise.race([once(keeper.stdout as ReadStream, 'data'), once(keeper, 'exit').then(() => [''])]);
    keeper.stdin?.write(`${wanted}\n`);
    this.#saved = String((await reply)[0]).trim();
  }

  /** Handles the end of the keeper. If it was killed, the terminal must be restored here. */
  #keeperExited(): void {
    if (!this.#over && this.#saved !== '')
      spawn('sh', ['-c', restore, this.#saved, this.leave], { stdio: 'ignore' }).on('error', () => {});
    this.#saved = '';
  }
}

const isGone = ({ pid, exitCode, signalCode }: ChildProcess) =>
  pid === undefined || exitCode !== null || signalCode !== null;

/** Returns whether this process may read the terminal. A background process would be stopped. */
function inForeground(): boolean {
  const stat = readFileSync('/proc/self/stat', 'latin1');
  const [, , group, , , foreground] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return group === foreground;
}
