import { type Case, closed, open, refused } from './case.js';

export const odd: Case[] = [
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
