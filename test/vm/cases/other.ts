import { type Case, type Change, closed, nowhere, open, quiet, refused } from './case.js';

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

export const other: Case[] = [
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
    ...tracepoint('no errno'),
  },
  {
    name: 'TCP Fast Open by sendto(), no route',
    run: [
      ['fast-open', '192.0.2.1', 80],
      ['fast-open', '2001:db8::1', 80],
      ['fast-open', '::ffff:192.0.2.1', 80],
    ],
    ends: [nowhere, nowhere, nowhere],
    ...tracepoint('not seen'),
  },
  {
    name: 'TCP Fast Open asked for before connect()',
    run: [
      ['fast-open-connect', '127.0.0.1', open],
      ['fast-open-connect', '127.0.0.1', open],
    ],
    ends: ['established', 'established'],
  },
  {
    name: "the kernel's own (NVMe over TCP), refused",
    run: [['kernel', '127.0.0.1', closed]],
    ends: [refused],
    ...tracepoint('no errno'),
  },
  {
    name: "the kernel's own (NVMe over TCP), no route",
    run: [
      ['kernel', '192.0.2.1', 80],
      ['kernel', '2001:db8::1', 80],
    ],
    ends: [nowhere, nowhere],
    ...tracepoint('not seen'),
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

export const many: Case[] = [
  {
    name: '1,000 processes that end at once',
    run: [['processes', 1000, '127.0.0.1', open]],
    // the answer may arrive before or after the exit: on a busy kernel a thread handles incoming packets
    ends: Array(1000).fill('established/aborted'),
  },
];
