import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fresh, onExit } from '../live/folder.js';
import { link } from '../live/link.js';
import { nameserver } from '../live/nameserver.js';
import { Net } from '../live/net.js';

const inside = 'SYNPIPE_SOAK_INSIDE';

/** Runs this program again in its own network and mount namespace, unless it is there. */
export function isolate(): void {
  if (process.env[inside]) return;
  const env = { ...process.env, [inside]: '1' };
  const args = ['--net', '--mount', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  process.exit(spawnSync('unshare', args, { stdio: 'inherit', env }).status ?? 1);
}

/** The namespace of this program: the pipeline, its receivers, and the resolver of enrich. */
export const here: Pick<Net, 'run' | 'spawn'> = {
  run: (file, ...args) => execFileSync(file as string, args, { encoding: 'utf8' }),
  spawn: ([file, ...args], stdio) => {
    const child = spawn(file as string, args, { stdio: stdio ?? 'pipe' });
    onExit(() => child.kill('SIGKILL'));
    return child;
  },
};

/** A name server that can be away for a while. */
export class Resolver {
  #child: ChildProcess | undefined;

  constructor(private readonly net: Pick<Net, 'run' | 'spawn'>) {}

  async up(): Promise<void> {
    this.#child = await nameserver(this.net);
  }

  async down(): Promise<void> {
    if (!this.#child) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }
}

/** Where the attempts are made: a link to a neighbour, a silent host and one that does not exist, and firewalls on both sides. */
export function loaded(): Net {
  here.run('ip', 'link', 'set', 'lo', 'up');
  const resolv = fresh('resolv.conf');
  writeFileSync(resolv, 'nameserver 127.0.0.1\noptions timeout:1 attempts:2\n');
  here.run('mount', '--bind', resolv, '/etc/resolv.conf');
  const [net, neighbour] = [new Net(), new Net()];
  link(net, neighbour);
  net.sysctl('ipv4/neigh/wire/mcast_solicit', '1');
  net.sysctl('ipv4/icmp_ratemask', '0');
  for (const [at, hook, rule] of [
    [net, 'output', 'tcp dport 7002 reject with icmp admin-prohibited'],
    [neighbour, 'input', 'tcp dport 7003 reject with tcp reset'],
  ] as const)
    at.run(
      'nft',
      `add table inet t; add chain inet t ${hook} { type filter hook ${hook} priority 0; }; add rule inet t ${hook} ${rule}`,
    );
  return net;
}

/** Makes a small disk, which disappears with this namespace. */
export function disk(size: string): string {
  const path = fresh('disk');
  mkdirSync(path);
  here.run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', path);
  onExit(() => here.run('umount', '--lazy', path));
  return path;
}

/** A process of the load generator. */
export class Load {
  readonly #child: ChildProcess;
  readonly #output: Promise<string>;

  private constructor(net: Net, role: string) {
    const script = fileURLToPath(new URL('load.py', import.meta.url));
    this.#child = net.spawn(['/usr/bin/python3', script, role], ['pipe', 'pipe', 'inherit']);
    let text = '';
    this.#child.stdout?.setEncoding('utf8').on('data', (part) => {
      text += part;
    });
    this.#output = once(this.#child, 'close').then(() => text);
  }

  static async start(net: Net, role: 'serve' | 'fork' | 'connect'): Promise<Load> {
    const load = new Load(net, role);
    await once(load.#child.stdout as NodeJS.ReadableStream, 'data');
    return load;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it. Resolves to what it has counted. */
  async end(): Promise<Record<string, number>> {
    this.#child.stdin?.write('\n');
    const lines = (await this.#output).trim().split('\n');
    return JSON.parse(lines.at(-1) as string);
  }
}
