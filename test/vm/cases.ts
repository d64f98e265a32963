import type { Tier } from '../../dist/collector/addon.js';
import type { Attempt } from '../live/client.js';
import { until } from '../live/wait.js';
import type { Command, Place, Ran } from './place.js';

/** What is told otherwise than the client knows it; undefined: not at all. 0: any number. */
type Change = { [key in keyof Attempt]?: Attempt[key] | undefined };
export interface Case {
  name: string;
  run: Command[] | ((net: Place, narrow: Place) => Promise<Ran>);
  /** How each attempt ends: the result, and the error if any. */
  ends: string[];
  change?: Change[];
  /** Where the connects of a tier are documented to tell less. */
  less?: { [tier in Tier]?: 'not seen' | 'no errno' };
  /** It waits for time to pass: all of these run at once. */
  slow?: true;
}

const refused = 'refused ECONNREFUSED';
/** The call did not return an error, or none that the event may have. */
const quiet: Change = { errno: undefined, error: undefined };
const timeout = 'timeout ETIMEDOUT';
const nowhere = 'unreachable ENETUNREACH';
/** Served; closed; dropped by nftables; rejected by it. */
export const [open, closed, black, rejected] = [8080, 9, 8081, 8082];

export const setUp = async (net: Place, narrow: Place): Promise<void> => {
  narrow.blackhole(black);
  narrow.onlyPort(40000);
  await net.serve(open);
  net.blackhole(black);
  net.run('nft', `add rule inet t in tcp dport ${rejected} reject with icmpx host-unreachable`);
  net.sysctl('ipv4/tcp_fastopen', '3');
  for (const [kind, last] of [
    ['unreachable', 1],
    ['blackhole', 2],
    ['prohibit', 3],
  ] as const) {
    net.run('ip', 'route', 'add', kind, `10.1.1.${last}`);
    net.run('ip', 'route', 'add', kind, `2001:db8:1::${last}`);
  }
};

const addresses: [string, string, Change?][] = [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
  ['IPv4-mapped', '::ffff:127.0.0.1'],
  ['0.0.0.0', '0.0.0.0', { daddr: '127.0.0.1', saddr: '127.0.0.1' }],
];
const basic = addresses.flatMap(([name, at, change]): Case[] => {
  const more = change && { change: [change] };
  return [
    { name: `success, ${name}`, run: [['blocking', at, open]], ends: ['established'], ...more },
    { name: `refused, ${name}`, run: [['blocking', at, closed]], ends: [refused], ...more },
    { name: `success, non-blocking, ${name}`, run: [['nonblocking', at, open]], ends: ['established'], ...more },
    { name: `refused, non-blocking, ${name}`, run: [['nonblocking', at, closed]], ends: [refused], ...more },
  ];
});

const routes = [
  ['no route: ENETUNREACH', '192.0.2.1', '2001:db8::1', nowhere, nowhere],
  ['unreachable route', '10.1.1.1', '2001:db8:1::1', 'unreachable EHOSTUNREACH', 'unreachable EHOSTUNREACH'],
  ['blackhole route: EINVAL', '10.1.1.2', '2001:db8:1::2', 'error EINVAL', 'error EINVAL'],
  ['prohibit route: EACCES', '10.1.1.3', '2001:db8:1::3', 'denied EACCES', 'denied EACCES'],
] as const;
const early: Case[] = routes.map(([name, v4, v6, ...ends]) => ({
  name: `${name}, IPv4 and IPv6`,
  run: [
    ['blocking', v4, 80],
    ['nonblocking', v6, 80],
  ],
  ends,
}));

/** A handshake that nobody answers holds the only local port. */
async function noPort(_: Place, narrow: Place): Promise<Ran> {
  const holder = narrow.start(['nonblocking', '127.0.0.1', black]);
  await until('its port is taken', () => narrow.run('ss', '-tnH', 'state', 'syn-sent').includes(':40000 '));
  const { pids, said } = await narrow.drive([['blocking', '127.0.0.1', black]]);
  const first = await holder.finish();
  pids.add(holder.child.pid as number);
  return { pids, said: { ...said, attempts: [...first.attempts, ...said.attempts] } };
}

const blocked: Case[] = [
  {
    name: 'no local port: EADDRNOTAVAIL',
    run: noPort,
    ends: [timeout, 'error EADDRNOTAVAIL'],
    change: [{}, { saddr: '127.0.0.1' }],
  },
  { name: 'no answer: ETIMEDOUT, IPv4', run: [['blocking', '127.0.0.1', black]], ends: [timeout] },
  { name: 'no answer: ETIMEDOUT, IPv6', run: [['blocking', '::1', black]], ends: [timeout] },
  {
    name: 'no answer, non-blocking, polled by connect()',
    run: [['polling', '127.0.0.1', black, '-']],
    ends: [timeout],
  },
  { name: 'interrupted by a signal, then waited for', run: [['interrupted', '127.0.0.1', black]], ends: [timeout] },
  {
    name: 'interrupted, restarted by the kernel',
    run: [['restarted', '127.0.0.1', black]],
    ends: [timeout],
    change: [quiet],
  },
  { name: 'closed in SYN_SENT', run: [['processes', 1, '127.0.0.1', black]], ends: ['aborted'] },
  { name: 'killed in connect()', run: [['killed', '127.0.0.1', black]], ends: ['aborted'] },
].map((one) => ({ ...one, slow: true as const })) as Case[];

const odd: Case[] = [
  {
    name: 'bound',
    run: [
      ['bound', '127.0.0.5', 4567, '127.0.0.1', open],
      ['bound', '::1', 4568, '::1', closed],
    ],
    ends: ['established', refused],
    change: [{}, { sport: 4568 }],
  },
  {
    name: 'simultaneous open, with itself',
    run: [['bound', '127.0.0.1', 4569, '127.0.0.1', 4569]],
    ends: ['established'],
  },
  {
    name: 'rejected with host-unreachable',
    run: [['nonblocking', '127.0.0.1', rejected]],
    ends: ['unreachable EHOSTUNREACH'],
    slow: true,
  },
  { name: 'port 0', run: [['blocking', '127.0.0.1', 0]], ends: [refused] },
  {
    name: 'polled by connect(): EALREADY, EISCONN',
    run: [
      ['polling', '127.0.0.1', open, 'i'],
      ['polling', '127.0.0.1', closed, '-'],
    ],
    ends: ['established', refused],
  },
  {
    name: 'one socket, two attempts',
    run: [
      ['twice', '127.0.0.1', closed, '127.0.0.1', open],
      ['twice-nonblocking', '127.0.0.1', closed, '127.0.0.2', closed],
    ],
    ends: [refused, 'established', refused, refused],
    change: [{}, {}, {}, { saddr: '127.0.0.1' }],
  },
  {
    name: 'connect, AF_UNSPEC, connect',
    run: [['disconnect', '127.0.0.1', open]],
    ends: ['established', 'established'],
  },
  {
    name: 'address of the other family',
    run: [
      ['other-family', '127.0.0.1', '::1', 80],
      ['other-family', '::1', '127.0.0.1', 80],
    ],
    ends: ['error EAFNOSUPPORT', 'error EINVAL'],
  },
  {
    name: 'address too short, or longer than needed',
    run: [
      ['sized', 15, '127.0.0.1', 80],
      ['sized', 128, '127.0.0.1', open],
      ['sized', 24, '::1', open],
    ],
    ends: ['error EINVAL', 'established', 'established'],
  },
  {
    name: 'UDP, UNIX, bad addresses, listening: no event',
    run: [
      ['no-attempts', '127.0.0.1', closed],
      ['no-attempts', '::1', closed],
      ['while-listening', '127.0.0.1', closed],
    ],
    ends: [],
  },
  {
    name: 'a thread with a name',
    run: [['thread', Buffer.from('resolver "1"').toString('hex'), '127.0.0.1', closed]],
    ends: [refused],
  },
  { name: 'another user and group', run: [['as-user', 65534, 12345, '127.0.0.1', closed]], ends: [refused] },
];

const tracepoint = (less: 'not seen' | 'no errno') => ({ less: { tracepoint: less } });
const worker = { tid: 0, comm: 'iou-wrk-PID' };
const uring = (how: string, change: Change): Case[] => [
  {
    name: `io_uring, ${how}, success`,
    run: [
      ['uring', how, '127.0.0.1', open],
      ['uring', how, '::1', open],
    ],
    ends: ['established', 'established'],
    change: [change, change],
  },
  {
    name: `io_uring, ${how}, refused`,
    run: [['uring', how, '127.0.0.1', closed]],
    ends: [refused],
    change: [{ ...quiet, ...change }],
  },
  {
    name: `io_uring, ${how}, no route`,
    run: [['uring', how, '192.0.2.1', 80]],
    ends: [nowhere],
    change: [change],
    ...tracepoint('not seen'),
  },
];

const other: Case[] = [
  {
    name: 'TCP Fast Open by sendto()',
    run: [
      ['fast-open', '127.0.0.1', open],
      ['fast-open', '127.0.0.1', open],
    ],
    ends: ['established', 'established'],
  },
  {
    name: 'TCP Fast Open by sendto(), refused',
    run: [['fast-open', '127.0.0.1', closed]],
    ends: [refused],
    change: [quiet],
  },
  {
    name: 'TCP Fast Open by sendto(), no route',
    run: [['fast-open', '192.0.2.1', 80]],
    ends: [nowhere],
    less: { fentry: 'not seen', kprobe: 'not seen', tracepoint: 'not seen' },
  },
  {
    name: 'TCP Fast Open asked for before connect()',
    run: [
      ['fast-open-connect', '127.0.0.1', open],
      ['fast-open-connect', '127.0.0.1', open],
    ],
    ends: ['established', 'established'],
  },
  ...uring('inline', {}),
  ...uring('async', worker),
  {
    name: 'MPTCP',
    run: [
      ['mptcp', '127.0.0.1', open],
      ['mptcp', '::1', open],
      ['mptcp', '127.0.0.1', closed],
    ],
    ends: ['established', 'established', refused],
  },
  { name: '32-bit system call, success', run: [['compat', '127.0.0.1', open]], ends: ['established'] },
  {
    name: '32-bit system call, refused',
    run: [['compat', '127.0.0.1', closed]],
    ends: [refused],
    ...tracepoint('no errno'),
  },
  {
    name: '32-bit system call, no route',
    run: [['compat', '192.0.2.1', 80]],
    ends: [nowhere],
    ...tracepoint('not seen'),
  },
];

const many: Case[] = [
  {
    name: '1,000 processes that end at once',
    run: [['processes', 1000, '127.0.0.1', open]],
    ends: Array(1000).fill('established'),
  },
];

export const cases: Case[] = [...basic, ...early, ...odd, ...other, ...many, ...blocked];
