import { mkdirSync, writeFileSync } from 'node:fs';
import { fresh } from '../folder.js';
import { Net } from '../net.js';
import { until } from '../wait.js';

/** The zone of the world's name server. Its addresses and names are reserved for examples by RFC 5737, 3849 and 2606. */
const zone = `$ORIGIN example.com.
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 60
@ NS ns
ns A 192.0.2.53
www 60 CNAME edge.cdn
edge.cdn 30 A 198.51.100.20
edge.cdn 30 A 198.51.100.21
edge.cdn AAAA 2001:db8:1::20
api A 198.51.100.30
mail A 198.51.100.25
db A 192.0.2.5
cache A 192.0.2.6
queue A 192.0.2.8
backup A 203.0.113.9
metrics A 192.0.2.66
`;
const addresses = [
  ...['192.0.2.53/32', '192.0.2.5/32', '192.0.2.6/32', '192.0.2.8/32', '198.51.100.20/32', '198.51.100.21/32'],
  ...['198.51.100.25/32', '198.51.100.30/32', '2001:db8:1::20/128'],
];

/** Accepts connections on ports, answers HTTP requests in the end, and is otherwise silent. */
const server = `
const { createServer } = require('node:http');
for (const port of [80, 443, 5432, 6379]) {
  const one = createServer((_, response) => response.end('ok\\n'));
  one.on('clientError', (_, socket) => socket.destroy()).listen(port, '::');
}
process.stdout.write('listening');`;

/** A machine in one namespace, the world in another, and a link between them: no packet can leave these two. */
export async function network(): Promise<{ host: Net; world: Net; resolv: string }> {
  const [host, world] = [new Net(), new Net()];
  host.run('ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', world.name);
  for (const [net, v4, v6] of [
    [host, '192.0.2.10/32', '2001:db8::10/64'],
    [world, '192.0.2.1/32', '2001:db8::1/64'],
  ] as const) {
    net.run('ip', 'addr', 'add', v4, 'dev', 'eth0');
    net.run('ip', 'addr', 'add', v6, 'dev', 'eth0', 'nodad');
    net.run('ip', 'link', 'set', 'eth0', 'up');
  }
  for (const address of addresses)
    world.run('ip', 'addr', 'add', address, 'dev', 'lo', ...(address.includes('::') ? ['nodad'] : []));
  world.run('ip', 'route', 'add', '192.0.2.10', 'dev', 'eth0');
  for (const route of ['192.0.2.0/24', '198.51.100.0/24'])
    host.run('ip', 'route', 'add', route, 'dev', 'eth0', 'src', '192.0.2.10');
  host.run('ip', 'neigh', 'add', '192.0.2.66', 'lladdr', '02:00:00:00:00:42', 'dev', 'eth0'); // nobody answers at this address
  host.run('ip', '-6', 'route', 'add', '2001:db8:1::/48', 'via', '2001:db8::1');
  host.sysctl('ipv4/tcp_syn_retries', '1');
  host.run('ip', 'route', 'add', 'prohibit', '198.51.100.25'); // a policy that forbids mail
  // One SYN in eight to the database is lost, and is sent again after a second.
  world.run('nft', 'add table inet t; add chain inet t in { type filter hook prerouting priority -300; }');
  world.run('nft', 'add rule inet t in tcp dport 5432 tcp flags syn numgen inc mod 8 7 drop');
  await resolver(world);
  await listening(world);
  const resolv = fresh('resolv.conf');
  writeFileSync(resolv, 'nameserver 192.0.2.53\n');
  return { host, world, resolv };
}

async function resolver(net: Net): Promise<void> {
  const folder = fresh('knot');
  mkdirSync(folder);
  writeFileSync(`${folder}/zone`, zone);
  writeFileSync(
    `${folder}/conf`,
    `server:
  listen: 192.0.2.53@53
  rundir: ${folder}
  udp-workers: 1
  tcp-workers: 1
  background-workers: 1
database:
  storage: ${folder}
zone:
  - domain: example.com
    storage: ${folder}
    file: zone
    semantic-checks: off
    journal-content: none
`,
  );
  net.spawn(['knotd', '-c', `${folder}/conf`], 'ignore');
  await until('knotd listens', () => net.run('ss', '-ulnH').includes('192.0.2.53:53'));
}

async function listening(net: Net): Promise<void> {
  const child = net.spawn(['node', '-e', server], ['ignore', 'pipe', 'inherit']);
  await new Promise((resolve) => child.stdout?.once('data', resolve));
}
