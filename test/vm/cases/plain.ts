import { type Case, type Change, closed, open, refused } from './case.js';

const addresses: [string, string, Change?][] = [
  ['IPv4', '127.0.0.1'],
  ['IPv6', '::1'],
  ['IPv4-mapped', '::ffff:127.0.0.1'],
  ['0.0.0.0', '0.0.0.0', { daddr: '127.0.0.1', saddr: '127.0.0.1' }],
];
export const plain = addresses.flatMap(([name, at, change]): Case[] => {
  const more = change && { change: [change] };
  return [
    { name: `success, ${name}`, run: [['blocking', at, open]], ends: ['established'], ...more },
    { name: `refused, ${name}`, run: [['blocking', at, closed]], ends: [refused], ...more },
    { name: `success, non-blocking, ${name}`, run: [['nonblocking', at, open]], ends: ['established'], ...more },
    { name: `refused, non-blocking, ${name}`, run: [['nonblocking', at, closed]], ends: [refused], ...more },
  ];
});
