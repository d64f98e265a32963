import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fresh, onExit } from '../../live/folder.js';
import type { Net } from '../../live/net.js';
import { network } from '../../live/record/network.js';
import { work } from '../../live/record/record.js';
import { until } from '../../live/wait.js';
import { folder, killGroup, size } from '../process.js';
import { env, root } from '../shell.js';
import { events } from './events.js';
import { hosts } from './hosts.js';

/** The commands' `/etc` and `/var`: this machine's, with changes that disappear afterwards. */
const mounts = `mount -t tmpfs tmpfs "$0" && cd "$0" && for one in etc var; do mkdir $one $one.work
mount -t overlay overlay -o "lowerdir=/$one,upperdir=$0/$one,workdir=$0/$one.work" /$one || exit; done
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/journal /run/log/journal /etc/systemd
printf '%s\\n' '[Journal]' Storage=volatile Audit=no ReadKMsg=no >/etc/systemd/journald.conf
mkdir -p /etc/synpipe /var/log/synpipe && cp "$1" /etc/resolv.conf && cp "$2" /etc/hosts && cp "$3/host.creds" /etc/synpipe
echo secret >/etc/synpipe/token && chmod 600 /etc/synpipe/*
cp "$4" "/var/log/synpipe/$(date -d yesterday +%Y%m%d).ndjson" && echo ready && exec sleep infinity`;

interface Running {
  /** It does not exit by itself. */
  endless?: boolean;
  /** Runs in the checkout's folder. */
  checkout?: boolean;
  program?: string;
}

/** A small busy machine, with the receivers that the pages name: all in namespaces, so that no packet leaves them. */
export class World {
  private constructor(
    private readonly host: Net,
    private readonly world: Net,
    private readonly stores: string,
    private readonly mountNamespace: number,
  ) {}

  static async start(): Promise<World> {
    const made = await network();
    try {
      return await World.#with(made);
    } catch (error) {
      await made.host.remove();
      await made.world.remove();
      throw error;
    }
  }

  static async #with({ host, world, resolv }: Awaited<ReturnType<typeof network>>): Promise<World> {
    const stores = fresh('stores');
    mkdirSync(stores);
    const names = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`);
    writeFileSync(join(stores, 'hosts'), `127.0.0.1 localhost\n::1 localhost\n${names.join('')}`);
    writeFileSync(join(stores, 'events'), events());
    const archive = ['--format', 'parquet', join(stores, 'connects.parquet')];
    execFileSync(`${root}dist/bin/sink-file`, archive, { input: events() });
    const ready = (child: ReturnType<typeof spawn>) =>
      new Promise<void>((resolve, reject) => {
        child.stdout?.once('data', () => resolve());
        child.once('exit', (code) => reject(new Error(`the receivers exited with ${code}`)));
      });
    const stdio = ['ignore', 'pipe', 'inherit'] as const;
    await ready(host.spawn(['node', '--import', 'tsx', `${root}test/support/shown/stores.ts`, stores], [...stdio]));
    const given = [fresh('overlay'), resolv, join(stores, 'hosts'), stores, join(stores, 'events')];
    mkdirSync(given[0] as string);
    const mounted = spawn('unshare', ['--mount', 'bash', '-c', mounts, ...given], { stdio: [...stdio] });
    onExit(() => mounted.kill('SIGKILL'));
    await ready(mounted);
    const journal = [`--mount=/proc/${mounted.pid}/ns/mnt`, '/lib/systemd/systemd-journald'];
    host.spawn(['nsenter', ...journal], 'ignore');
    await until('journald listens', () => existsSync(`/proc/${mounted.pid}/root/run/systemd/journal/stdout`));
    void work(host, resolv, 3_600);
    return new World(host, world, stores, mounted.pid as number);
  }

  async end(): Promise<void> {
    process.kill(this.mountNamespace, 'SIGKILL');
    await this.host.remove();
    await this.world.remove();
  }

  /** A folder with the files that the pages' commands read, and a PATH with stand-ins for missing programs. */
  place(t: TestContext): { dir: string; env: NodeJS.ProcessEnv } {
    const dir = folder(t);
    const bin = folder(t);
    for (const name of ['events', 'connects', 'yesterday', 'host-1', 'host-2'])
      copyFileSync(join(this.stores, 'events'), join(dir, `${name}.ndjson`));
    for (const name of readdirSync(this.stores).filter((name) => name.endsWith('.parquet')))
      copyFileSync(join(this.stores, name), join(dir, name));
    symlinkSync(`${root}test/support/duckdb.cjs`, join(bin, 'duckdb')); // its engine is an npm package here
    writeFileSync(join(bin, 'sudo'), '#!/bin/sh\nexec "$@"\n');
    // On a terminal jq writes each line at once.
    writeFileSync(join(bin, 'jq'), '#!/bin/sh\nexec /usr/bin/jq --unbuffered "$@"\n');
    for (const name of ['sudo', 'jq']) chmodSync(join(bin, name), 0o755);
    mkdirSync(join(dir, 'node_modules'));
    symlinkSync(root, join(dir, 'node_modules/synpipe'));
    const home = folder(t);
    return {
      dir,
      env: {
        ...{ ...env, PATH: `${bin}:${env.PATH}`, HOME: home, npm_config_prefix: home, npm_config_cache: `${home}/npm` },
        ...{ NODE_EXTRA_CA_CERTS: join(this.stores, 'ca.pem'), CURL_CA_BUNDLE: join(this.stores, 'ca.pem') },
        SYNPIPE_NATS_AUTH: readFileSync(join(this.stores, 'host.creds'), 'utf8'),
      },
    };
  }

  /**
   * Runs a script unchanged. One that does not exit by itself is interrupted, as by Ctrl-C, once it has shown
   * something: printed it, written it to a file, or sent it to one of the receivers. Resolves to what it printed.
   */
  async run(
    t: TestContext,
    script: string,
    { endless = false, checkout = false, program }: Running = {},
  ): Promise<string> {
    const { dir, env } = this.place(t);
    if (program !== undefined) writeFileSync(join(dir, 'main.mts'), program);
    const written = () => [...files(dir), ...Object.keys(hosts).map((name) => join(this.stores, name))];
    const before = new Map(written().map((path) => [path, size(path)]));
    const input = script.includes('collector') ? '/dev/null' : join(dir, 'events.ndjson');
    const child = spawn(
      'nsenter',
      [
        ...[...this.host.enter.slice(1), `--mount=/proc/${this.mountNamespace}/ns/mnt`],
        ...[
          `--wd=${checkout ? root : dir}`,
          'bash',
          '-c',
          `set -euo pipefail\ntrap : INT\nexec <"$0"\n${script}`,
          input,
        ],
      ],
      { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env },
    );
    t.after(() => child.exitCode === null && child.signalCode === null && killGroup(child));
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (part) => {
        said += part;
      });
    const shows = () =>
      said !== '' ||
      (program === undefined && written().some((path) => size(path) > 0 && size(path) !== before.get(path)));
    const ended = new Promise<string>((resolve) =>
      child.on('close', (code, signal) => resolve(String(signal ?? code))),
    );
    if (endless) {
      await until('it shows something', () => shows() || child.exitCode !== null, 20).catch(() => {});
      killGroup(child, 'SIGINT'); // some print only then
    }
    const how = await ended;
    const right = endless ? ['0', '130'] : ['0']; // the signal kills jq
    if (!right.includes(how)) throw new Error(`it exited with ${how}\n${script}\n${said}`);
    if (!shows()) throw new Error(`it shows nothing\n${script}`);
    return said;
  }
}

const files = (dir: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
