import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { knotd } from '../support/knot.js';
import { fresh } from './folder.js';
import type { Net } from './net.js';
import { until } from './wait.js';

/** The zone that these tests' servers serve. */
const zone = `$ORIGIN example.test.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
one A 127.0.0.2
six AAAA ::1
www 60 CNAME cdn
cdn 30 CNAME edge.other
edge.other A 127.0.0.3
edge.other A 127.0.0.4
edge.other AAAA ::1
both 60 CNAME pair.other
${['A 127.0.0.6', 'A 127.0.0.7', 'AAAA fd00::6', 'AAAA fd00::7'].map((one) => `pair.other ${one}`).join('\n')}
nowhere CNAME gone
text TXT "127.0.0.1"
*.many A 127.0.0.5
*.pair A 127.0.0.6
*.pair A 127.0.0.7
out A 10.99.0.3
${Array.from({ length: 20 }, (_, i) => `n${i}.each A 127.0.1.${i + 1}`).join('\n')}
odd\\001\\"na\\255me A 127.0.0.9
${Array.from({ length: 200 }, (_, i) => `big A 127.1.1.${i + 1}`).join('\n')}
`;
/** Reverse names of its loopback addresses. */
const reverse = `$ORIGIN 0.0.127.in-addr.arpa.
$TTL 300
@ SOA ns.example.test. hostmaster.example.test. 1 3600 600 86400 60
@ NS ns.example.test.
2 PTR one.example.test.
3 PTR cdn-3.example.test.
`;
export const big = Array.from({ length: 200 }, (_, i) => `127.1.1.${i + 1}`);

/** Starts a real server on 127.0.0.1 and ::1 of the namespace. Returns its process. */
export async function nameserver(net: Pick<Net, 'run' | 'spawn'>): Promise<ChildProcess> {
  const dir = fresh('knot');
  mkdirSync(dir);
  const zones = { 'example.test': zone, '0.0.127.in-addr.arpa': reverse };
  const child = net.spawn(knotd({ dir, listen: ['127.0.0.1@53', '::1@53'], zones }), 'ignore');
  const listening = () => {
    if (child.exitCode !== null) throw new Error(`knotd exited: ${readFileSync(`${dir}/log`, 'utf8')}`);
    const [udp, tcp] = [net.run('ss', '-ulnH'), net.run('ss', '-tlnH')];
    return ['127.0.0.1:53', '[::1]:53'].every((at) => udp.includes(at) && tcp.includes(at));
  };
  await until('knotd listens', listening);
  return child;
}

export interface Rule {
  A?: string;
  AAAA?: string;
  rcode?: number;
  truncated?: true;
  silent?: number;
  delay?: number;
  forward?: string;
}

/** Starts a server that answers by these rules: see responder.cjs. Returns its process ID. */
export async function responder(net: Net, rules: Record<string, Rule>, address = '127.0.0.1'): Promise<number> {
  const file = new URL('responder.cjs', import.meta.url).pathname;
  const child = net.spawn([process.execPath, file, address, JSON.stringify(rules)], ['ignore', 'pipe', 'inherit']);
  let output = '';
  child.stdout?.on('data', (data) => {
    output += data;
  });
  await until('the responder listens', () => {
    if (child.exitCode !== null) throw new Error('the responder exited');
    return output !== '';
  });
  return child.pid as number;
}

/** Returns a command line that runs a command with this resolv.conf. */
export function withResolver(conf: string, ...command: string[]): string[] {
  const file = fresh('resolv.conf');
  writeFileSync(file, conf);
  return ['unshare', '--mount', 'sh', '-c', 'mount --bind "$0" /etc/resolv.conf && exec "$@"', file, ...command];
}

/** Runs a command whose resolver is 127.0.0.1. */
export function resolving(net: Net, ...command: string[]): string {
  return net.run(...withResolver('nameserver 127.0.0.1\n', ...command));
}
