import { type Case, nowhere, open } from './case.js';

const routes = [
  ['no route: ENETUNREACH', '192.0.2.1', '2001:db8::1', nowhere, nowhere],
  ['unreachable route', '10.1.1.1', '2001:db8:1::1', 'unreachable EHOSTUNREACH', 'unreachable EHOSTUNREACH'],
  ['blackhole route: EINVAL', '10.1.1.2', '2001:db8:1::2', 'error EINVAL', 'error EINVAL'],
  ['prohibit route: EACCES', '10.1.1.3', '2001:db8:1::3', 'denied EACCES', 'denied EACCES'],
] as const;
/** A call that never reaches the function that connects. */
const denied: Case[] = [
  {
    name: 'denied by a cgroup program: EPERM',
    run: [
      ['denied', 'blocking', '127.0.0.1', open],
      ['denied', 'nonblocking', '::1', open],
      ['denied', 'blocking', '::ffff:127.0.0.1', open],
    ],
    ends: Array(3).fill('denied EPERM'),
  },
  {
    name: 'TCP Fast Open by sendto(), denied by a cgroup program',
    run: [['denied', 'fast-open', '127.0.0.1', open]],
    ends: ['denied EPERM'],
    less: { tracepoint: 'not seen' },
  },
];
const unrouted = routes.map(
  ([name, v4, v6, ...ends]): Case => ({
    name: `${name}, IPv4 and IPv6`,
    run: [
      ['blocking', v4, 80],
      ['nonblocking', v6, 80],
    ],
    ends,
  }),
);
export const early: Case[] = [...unrouted, ...denied];
