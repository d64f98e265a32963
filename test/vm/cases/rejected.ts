import { type Case, refused, rejected, silent } from './case.js';

const { own, other } = silent;
const less = { less: { tracepoint: 'no icmp' } } as const; // over IPv6

const both = (address: string, port: number) => [
  ['blocking', address, port],
  ['nonblocking', address, port],
];

/** The answer arrives while connect() still holds the socket: a blocking call fails when the SYN is due again. */
const byFirewall = [
  [
    'host-unreachable',
    rejected.host,
    'host-unreachable',
    'unreachable EHOSTUNREACH',
    'addr-unreachable',
    'unreachable EHOSTUNREACH',
  ],
  ['port-unreachable', rejected.port, 'port-unreachable', refused, 'port-unreachable', refused],
  ['admin-prohibited', rejected.admin, 'admin-prohibited', 'denied EHOSTUNREACH', 'admin-prohibited', 'denied EACCES'],
] as const;

export const rejections: Case[] = [
  ...byFirewall.flatMap(([name, port, icmp4, end4, icmp6, end6]): Case[] => [
    {
      name: `ICMP ${name}, IPv4, blocking and not`,
      run: both('127.0.0.1', port),
      ends: [end4, end4],
      icmp: [icmp4, icmp4],
      slow: true,
    },
    {
      name: `ICMP ${name}, IPv6, blocking and not`,
      run: both('::1', port),
      ends: [end6, end6],
      icmp: [icmp6, icmp6],
      slow: true,
      ...less,
    },
  ]),
  {
    name: 'tcp reset by a firewall, IPv4 and IPv6',
    run: [...both('127.0.0.1', rejected.reset), ...both('::1', rejected.reset)],
    ends: Array(4).fill(refused),
  },
  {
    name: 'a neighbour that does not answer, IPv4, blocking and not',
    run: (_, __, held) => held.drive(both(other[0], 80)),
    ends: Array(2).fill('unreachable EHOSTUNREACH'),
    icmp: Array(2).fill(`host-unreachable ${own[0]}`),
    change: Array(2).fill({ saddr: own[0] }),
    slow: true,
  },
  {
    name: 'a neighbour that does not answer, IPv6, blocking and not',
    run: (_, __, held) => held.drive(both(other[1], 80)),
    ends: Array(2).fill('unreachable EHOSTUNREACH'),
    icmp: Array(2).fill(`addr-unreachable ${own[1]}`),
    change: Array(2).fill({ saddr: own[1] }),
    slow: true,
    ...less,
  },
];
