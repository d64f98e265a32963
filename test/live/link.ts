import type { Net } from './net.js';

/** By IP version: this end of a link, the other end, an address silent until it is woken, and one that does not exist. */
export const addresses = {
  4: { own: '10.99.0.1', neighbour: '10.99.0.2', silent: '10.99.0.3', nobody: '10.99.0.4', beyond: '10.98.0.4' },
  6: {
    own: '2001:db8:99::1',
    neighbour: '2001:db8:99::2',
    silent: '2001:db8:99::3',
    nobody: '2001:db8:99::4',
    beyond: '2001:db8:98::4',
  },
} as const;
export const families = [4, 6] as const;
export type Family = (typeof families)[number];

const bits = { 4: '24', 6: '64' };
const device = 'wire';
const wrong = '02:00:00:00:00:01'; // no device has this address

const set = (net: Net, family: Family, address: string, on: string, ...more: string[]) =>
  net.run('ip', 'address', 'add', `${address}/${bits[family]}`, 'dev', on, ...(family === 6 ? ['nodad'] : []), ...more);

function neighbour(net: Net, address: string, mac: string): void {
  net.run('ip', 'neigh', 'replace', address, 'lladdr', mac, 'dev', device, 'nud', 'permanent');
}

/** Makes a link between two namespaces. The other end drops packets to `silent`, as if they were for another host. */
export function link(net: Net, other: Net): void {
  net.run('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', device, 'netns', other.name);
  for (const at of [net, other]) at.run('ip', 'link', 'set', device, 'up');
  for (const family of families) {
    const { own, neighbour: there, silent } = addresses[family];
    set(net, family, own, device);
    set(other, family, there, device);
    set(other, family, silent, device, 'preferred_lft', '0'); // its own packets use the other address
    neighbour(net, silent, wrong);
    for (const [at, address, owner] of [
      [net, there, other],
      [other, own, net],
    ] as const)
      neighbour(at, address, macOf(owner));
  }
}

const macOf = (net: Net) => JSON.parse(net.run('ip', '-j', 'link', 'show', device))[0].address as string;

/** Makes `silent` answer from now on. */
export function wake(net: Net, family: Family): void {
  const peer = addresses[family];
  neighbour(net, peer.silent, macs(net, family).get(peer.neighbour) as string);
}

/** The neighbours' addresses on the link, by IP address. */
function macs(net: Net, family: Family): Map<string, string> {
  const known = JSON.parse(net.run('ip', `-${family}`, '-j', 'neigh', 'show', 'dev', device));
  return new Map(known.map(({ dst, lladdr }: { dst: string; lladdr: string }) => [dst, lladdr]));
}

/** Routes to `beyond`, on another link of the other end, where neighbour look-ups for it are not answered. */
export function route(net: Net, other: Net): void {
  other.run('ip', 'link', 'add', 'far', 'type', 'veth', 'peer', 'name', 'farther');
  for (const end of ['far', 'farther']) other.run('ip', 'link', 'set', end, 'up');
  for (const family of families) {
    const { beyond, neighbour } = addresses[family];
    set(other, family, beyond.replace(/4$/, '1'), 'far');
    net.run('ip', `-${family}`, 'route', 'add', `${beyond}/${family === 4 ? 32 : 128}`, 'via', neighbour);
  }
  other.sysctl('ipv4/ip_forward', '1');
  other.sysctl('ipv6/conf/all/forwarding', '1');
}

/** The sockets in a namespace that wait for an answer: their local ports, by process. */
export function waiting(net: Net): Map<number, number> {
  const lines = net.run('ss', '-tnpH', 'state', 'syn-sent').trim().split('\n').filter(Boolean);
  return new Map(
    lines.map((line, i) => [Number(line.match(/pid=(\d+)/)?.[1] ?? -i), Number(line.match(/:(\d+)\s+\S+:\d+\s/)?.[1])]),
  );
}
