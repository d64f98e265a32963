import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { freePort } from './port.js';
import { folder, start } from './process.js';

/** Waits until something accepts connections on this port of loopback. */
export async function listening(port: number): Promise<void> {
  for (let up = false; !up; ) {
    up = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('close', () => socket.destroy()).end();
    });
    if (!up) await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export interface ProxyServer {
  port: number;
  /** The requests it has logged, one per line. */
  log(): string[];
}

const linesOf = (file: string) => readFileSync(file, 'utf8').split('\n').slice(0, -1);

/** Starts tinyproxy on a free port of loopback. It allows CONNECT to every port. */
export async function tinyproxy(t: TestContext): Promise<ProxyServer> {
  const dir = folder(t);
  const port = await freePort();
  const file = join(dir, 'proxy.log');
  const settings = ['Listen 127.0.0.1', 'MaxClients 50', `LogFile "${file}"`, 'LogLevel Connect', 'Allow 127.0.0.1'];
  writeFileSync(join(dir, 'proxy.conf'), `Port ${port}\n${settings.join('\n')}\n`);
  start(t, ['tinyproxy', '-d', '-c', 'proxy.conf'], dir);
  await listening(port);
  return { port, log: () => linesOf(file).filter((line) => line.includes('Request')) };
}

/** Starts Squid on a free port of loopback, with its package's default rules: CONNECT to port 443 only. */
export async function squid(t: TestContext, login?: { user: string; password: string }): Promise<ProxyServer> {
  const dir = folder(t);
  chmodSync(dir, 0o777); // it switches to another user
  const port = await freePort();
  const rules = ['acl CONNECT method CONNECT', 'acl SSL_ports port 443', 'http_access deny CONNECT !SSL_ports'];
  if (login) {
    const hash = execFileSync('openssl', ['passwd', '-apr1', login.password], { encoding: 'utf8' });
    writeFileSync(join(dir, 'users'), `${login.user}:${hash}`);
    rules.push(`auth_param basic program /usr/lib/squid/basic_ncsa_auth ${dir}/users`);
    rules.push('acl known proxy_auth REQUIRED', 'http_access deny !known');
  }
  const places = [`access_log stdio:${dir}/access.log`, `cache_log ${dir}/cache.log`, `coredump_dir ${dir}`];
  places.push(`pid_filename ${dir}/pid`, 'cache deny all', 'shutdown_lifetime 0 seconds');
  const all = [
    `http_port 127.0.0.1:${port}`,
    ...rules,
    'http_access allow localhost',
    'http_access deny all',
    ...places,
  ];
  writeFileSync(join(dir, 'squid.conf'), `${all.join('\n')}\n`);
  writeFileSync(join(dir, 'access.log'), '');
  chmodSync(join(dir, 'access.log'), 0o666);
  start(t, ['/usr/sbin/squid', '-N', '-f', join(dir, 'squid.conf')], dir, 'ignore');
  await listening(port);
  return { port, log: () => linesOf(join(dir, 'access.log')) };
}
