import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fresh } from './folder.js';
import type { Net } from './net.js';
import { until } from './wait.js';

/** What the servers of these tests know. */
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
nowhere CNAME gone
text TXT "127.0.0.1"
*.many A 127.0.0.5
odd\\001\\"na\\255me A 127.0.0.9
${Array.from({ length: 200 }, (_, i) => `big A 127.1.1.${i + 1}`).join('\n')}
`;
export const big = Array.from({ length: 200 }, (_, i) => `127.1.1.${i + 1}`);

/** A real server on 127.0.0.1 and ::1 of the namespace. Its answers by UDP are up to 4096 bytes long. */
export async function knot(net: Net): Promise<void> {
  const folder = fresh('knot');
  mkdirSync(folder);
  writeFileSync(`${folder}/zone`, zone);
  writeFileSync(
    `${folder}/conf`,
    `server:
  listen: [ 127.0.0.1@53, ::1@53 ]
  rundir: ${folder}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
  udp-max-payload: 4096
database:
  storage: ${folder}
zone:
  - domain: example.test
    storage: ${folder}
    file: zone
    semantic-checks: off
    journal-content: none
log:
  - target: ${folder}/log
    any: error
`,
  );
  const child = net.spawn(['knotd', '-c', `${folder}/conf`], 'ignore');
  const listening = () => {
    if (child.exitCode !== null) throw new Error(`knotd ended: ${readFileSync(`${folder}/log`, 'utf8')}`);
    return net.run('ss', '-ulnH').includes('[::1]:53') && net.run('ss', '-tlnH').includes('127.0.0.1:53');
  };
  await until('knotd listens', listening);
}

/** Runs a command whose resolver is that server. */
export function resolving(net: Net, ...command: string[]): string {
  const file = fresh('resolv.conf');
  writeFileSync(file, 'nameserver 127.0.0.1\n');
  const script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"';
  return net.run('unshare', '--mount', 'sh', '-c', script, file, ...command);
}
