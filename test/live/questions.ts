import type { lookupFields } from './answers.js';
import { big } from './nameserver.js';
import type { Net } from './net.js';

type LookupField = ReturnType<typeof lookupFields>;

const udp = { ttl: 300, server: '127.0.0.1', transport: 'udp' };
const failed = (name: string, rcode: string, error = rcode) => ({
  name,
  rcode,
  error,
  server: '127.0.0.1',
  transport: 'udp',
});
const chain = { name: 'www.example.test', cnames: ['cdn.example.test', 'edge.other.example.test'], ttl: 30 };

/** dig's queries, and the events that they make. */
const asked: [string[], object[]][] = [
  [['one.example.test'], [{ name: 'one.example.test', addrs: ['127.0.0.2'], ...udp }]],
  [['AAAA', 'six.example.test'], [{ name: 'six.example.test', addrs: ['::1'], ...udp }]],
  [['@::1', 'one.example.test'], [{ name: 'one.example.test', addrs: ['127.0.0.2'], ...udp, server: '::1' }]],
  [['wWw.EXAMPLE.test'], [{ ...udp, ...chain, addrs: ['127.0.0.3', '127.0.0.4'] }]],
  [['AAAA', 'www.example.test'], [{ ...udp, ...chain, addrs: ['::1'] }]],
  [['+tcp', 'www.example.test'], [{ ...udp, ...chain, addrs: ['127.0.0.3', '127.0.0.4'], transport: 'tcp' }]],
  [['+bufsize=4096', 'big.example.test'], [{ name: 'big.example.test', addrs: big, ...udp }]],
  [['+noedns', 'big.example.test'], [{ name: 'big.example.test', addrs: big, ...udp, attempts: 2, transport: 'tcp' }]],
  [
    ['+bufsize=4096', '+tcp', '@::1', 'big.example.test'],
    [{ name: 'big.example.test', addrs: big, ...udp, server: '::1', transport: 'tcp' }],
  ],
  [
    ['odd\\001\\"na\\255me.example.test'],
    [{ name: 'odd\\001\\"na\\255me.example.test', addrs: ['127.0.0.9'], ...udp }],
  ],
  [['none.example.test'], [failed('none.example.test', 'NXDOMAIN')]],
  [['nowhere.example.test'], [failed('nowhere.example.test', 'NXDOMAIN')]],
  [['AAAA', 'one.example.test'], [failed('one.example.test', 'NOERROR', 'NODATA')]],
  [['TXT', 'text.example.test'], []],
  [['SOA', 'example.test'], []],
  [['other.test'], [failed('other.test', 'REFUSED')]],
  [['last.many.example.test'], [{ name: 'last.many.example.test', addrs: ['127.0.0.5'], ...udp }]],
];

/** Sends all of these queries to the server of the namespace. */
export function dig(net: Net): void {
  for (const [args] of asked) {
    const server = args.some((arg) => arg.startsWith('@')) ? [] : ['@127.0.0.1'];
    net.run('dig', '+tries=1', '+time=30', ...server, ...args);
  }
}

/** The dns events of these queries. */
export const wanted = asked.flatMap(([, events]) => events) as LookupField[];

/** A server may rotate the addresses. */
export const sorted = (event: LookupField): LookupField =>
  event.addrs ? { ...event, addrs: [...event.addrs].sort() as [string, ...string[]] } : event;
