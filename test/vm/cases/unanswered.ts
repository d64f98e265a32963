import { until } from '../../live/wait.js';
import type { Place, Ran } from '../place.js';
import { black, type Case, quiet, timeout } from './case.js';

/** Keeps the only local port busy with a handshake that nobody answers. */
async function noPort(_: Place, narrow: Place): Promise<Ran> {
  narrow.sysctl('ipv4/tcp_syn_retries', '6'); // long enough for the test
  const holder = narrow.start(['nonblocking', '127.0.0.1', black]);
  await until('its port is taken', () => narrow.run('ss', '-tnH', 'state', 'syn-sent').includes(':40000 '));
  const { pids, said } = await narrow.drive([['blocking', '127.0.0.1', black]]);
  narrow.sysctl('ipv4/tcp_syn_retries', '1');
  const first = await holder.finish();
  pids.add(holder.child.pid as number);
  return { pids, said: { ...said, attempts: [...first.attempts, ...said.attempts] } };
}

export const unanswered: Case[] = [
  {
    name: 'no local port: EADDRNOTAVAIL',
    run: noPort,
    ends: [timeout, 'error EADDRNOTAVAIL'],
    change: [{}, { saddr: '127.0.0.1' }],
  },
  { name: 'no answer, blocking, IPv4: pending, ETIMEDOUT', run: [['blocking', '127.0.0.1', black]], ends: [timeout] },
  { name: 'no answer, blocking, IPv6: pending, ETIMEDOUT', run: [['blocking', '::1', black]], ends: [timeout] },
  {
    name: 'no answer, non-blocking: pending, ETIMEDOUT',
    run: [
      ['nonblocking', '127.0.0.1', black],
      ['nonblocking', '::1', black],
    ],
    ends: [timeout, timeout],
  },
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
  {
    name: 'closed in SYN_SENT by the end of its process',
    run: [['processes', 1, '127.0.0.1', black]],
    ends: ['aborted'],
  },
  { name: 'closed in SYN_SENT by a process that lives on', run: [['closing', '127.0.0.1', black]], ends: ['aborted'] },
  {
    name: 'reset in the middle of a simultaneous open',
    run: [['reset', '127.0.0.1', 4001, '127.0.0.1', black]],
    ends: ['reset ECONNRESET'],
  },
  { name: 'killed in connect()', run: [['killed', '127.0.0.1', black]], ends: ['aborted'] },
].map((one) => ({ ...one, slow: true as const })) as Case[];
