import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { client, parse, type Said } from './client.js';
import { onExit } from './folder.js';

let count = 0;
/** A killed run may have left behind namespaces with the same process ID. */
const run = randomBytes(3).toString('hex');

/** A network namespace with only a loopback device: no traffic of a test leaves it. */
export class Net {
  readonly name = `synpipe-${process.pid}-${run}-${count++}`;
  /** Its inode number: netns in events. */
  readonly inode: number;
  #removed = false;
  readonly #children: ChildProcess[] = [];

  constructor() {
    execFileSync('ip', ['netns', 'add', this.name]);
    onExit(() => this.#removed || execFileSync('ip', ['netns', 'del', this.name], { stdio: 'ignore' }));
    this.inode = statSync(`/run/netns/${this.name}`).ino;
    this.run('ip', 'link', 'set', 'lo', 'up');
  }

  /** The words before a command that run it in this namespace, with the same process ID. */
  get enter(): string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`];
  }

  run(...command: string[]): string {
    const [file, ...args] = [...this.enter, ...command] as [string, ...string[]];
    return execFileSync(file, args, { encoding: 'utf8', maxBuffer: 1 << 28 });
  }

  spawn(command: string[], stdio: Parameters<typeof spawn>[2]['stdio'] = 'pipe'): ChildProcess {
    const [file, ...args] = [...this.enter, ...command] as [string, ...string[]];
    const env = { ...process.env, SYNPIPE_TEST_NETNS: String(this.inode) };
    const child = spawn(file, args, { stdio, env });
    onExit(() => child.kill('SIGKILL'));
    this.#children.push(child);
    return child;
  }

  /** Runs the client, as another user if `uid` is given. */
  async client(args: (string | number)[], uid?: number): Promise<Said> {
    return this.start(args, uid).finish();
  }

  /** Starts the client as a process. With `wait` as its first argument it does nothing until `finish` is called. */
  start(args: (string | number)[], uid?: number): { child: ChildProcess; finish: () => Promise<Said> } {
    const as = uid === undefined ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const child = this.spawn([...as, client(), ...args.map(String)], ['pipe', 'pipe', 'inherit']);
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
    child.stdin?.on('error', () => {}); // it may exit without reading
    const closed = once(child, 'close');
    const finish = async () => {
      child.stdin?.end('\n');
      const [code, signal] = await closed;
      if (code !== 0) throw new Error(`the client exited with ${code ?? signal}: ${child.spawnargs.join(' ')}`);
      return parse(output);
    };
    return { child, finish };
  }

  /** Starts a server and waits until it listens; on [::] it serves both families. */
  async serve(port: number, address = '::'): Promise<void> {
    const { child } = this.start(['serve', address, port]);
    const [output] = await Promise.race([once(child.stdout as NodeJS.ReadableStream, 'data'), once(child, 'exit')]);
    if (!String(output).startsWith('listening')) throw new Error(`no server on [${address}]:${port}`);
  }

  sysctl(key: string, value: string): void {
    this.run('sh', '-c', 'echo "$1" > "/proc/sys/net/$0"', key, value);
  }

  /** Gives every later attempt this local port, so that it is known even if a program cannot ask for it. */
  onlyPort(port: number): void {
    this.sysctl('ipv4/ip_local_port_range', `${port} ${port}`);
  }

  /** Drops packets to this port on arrival, so that nobody ever answers. */
  blackhole(port: number): void {
    this.run('nft', 'add table inet t');
    this.run('nft', 'add chain inet t in { type filter hook input priority 0; }');
    this.run('nft', `add rule inet t in tcp dport ${port} drop`);
    this.sysctl('ipv4/tcp_syn_retries', '1');
  }

  async remove(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    execFileSync('ip', ['netns', 'del', this.name]);
    this.#removed = true;
  }
}
