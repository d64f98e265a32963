import { type Case, nowhere } from './case.js';

const routes = [
  ['no route: ENETUNREACH', '192.0.2.1', '2001:db8::1', nowhere, nowhere],
  ['unreachable route', '10.1.1.1', '2001:db8:1::1', 'unreachable EHOSTUNREACH', 'unreachable EHOSTUNREACH'],
  ['blackhole route: EINVAL', '10.1.1.2', '2001:db8:1::2', 'error EINVAL', 'error EINVAL'],
  ['prohibit route: EACCES', '10.1.1.3', '2001:db8:1::3', 'denied EACCES', 'denied EACCES'],
] as const;
export const early: Case[] = routes.map(([name, v4, v6, ...ends]) => ({
  name: `${name}, IPv4 and IPv6`,
  run: [
    ['blocking', v4, 80],
    ['nonblocking', v6, 80],
  ],
  ends,
}));
