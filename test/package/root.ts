import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { onExit } from '../live/folder.js';
import { root as project } from '../support/shell.js';

/** The whole environment in a separate Debian. */
const environment = ['PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', 'HOME=/root', 'LC_ALL=C.UTF-8'];
const certificates = 'etc/ssl/certs/ca-certificates.crt';

export interface Said {
  stdout: string;
  stderr: string;
  status: number | null;
}

/** A bare Debian in a folder, with this machine's Node and npm, or without, and nothing else. Removed at the end. */
export class Root {
  readonly folder = mkdtempSync('/var/tmp/synpipe-root-');

  constructor({ release = 'bookworm', node = true } = {}) {
    onExit(() => rmSync(this.folder, { recursive: true, force: true }));
    const { status, stdout } = spawnSync('debootstrap', ['--variant=minbase', release, this.folder], {
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`debootstrap exited with ${status}:\n${stdout.slice(-2000)}`);
    if (!node) return;
    const npm = join(execFileSync('npm', ['root', '-g'], { encoding: 'utf8', stdio: 'pipe' }).trim(), 'npm');
    const modules = join(this.folder, 'usr/lib/node_modules');
    mkdirSync(modules, { recursive: true });
    cpSync(npm, join(modules, 'npm'), { recursive: true });
    cpSync(process.execPath, join(this.folder, 'usr/bin/node'));
    symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(this.folder, 'usr/bin/npm'));
  }

  /** For commands that reach the package registries: the certificates that this machine trusts. */
  online(): void {
    if (!existsSync(`/${certificates}`)) return;
    mkdirSync(join(this.folder, 'etc/ssl/certs'), { recursive: true });
    cpSync(`/${certificates}`, join(this.folder, certificates));
  }

  /** The words that run a line of bash in it, as root, in separate namespaces: without a network, unless `online`. */
  command(line: string, online = false): string[] {
    const env = online ? [...environment, `NODE_EXTRA_CA_CERTS=/${certificates}`] : environment;
    const enter = `ip link set lo up
cd "$0" && mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev
exec chroot . env -i "\${@:2}" bash -o pipefail -c "cd; $1"`;
    const own = ['--mount', '--pid', '--fork', '--kill-child', ...(online ? [] : ['--net'])];
    return ['unshare', ...own, 'bash', '-c', enter, this.folder, line, ...env];
  }

  run(line: string, { online = false, seconds = 120 } = {}): Said {
    return said(this.command(line, online), seconds);
  }

  /** The same in a guest. */
  runOn(kernel: string, line: string, seconds = 900): Said {
    return said([`${project}test/vm/run`, '--kernel', kernel, '--', ...this.command(line)], seconds);
  }
}

function said([file, ...args]: string[], seconds: number): Said {
  const { stdout, stderr, status } = spawnSync(file as string, args, {
    encoding: 'utf8',
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
    maxBuffer: 1 << 26,
  });
  return { stdout, stderr, status };
}
