import { once } from 'node:events';
import { until } from '../../live/wait.js';
import { Place, type Ran } from '../place.js';
import { black, type Case } from './case.js';

const hows = ['blocking', 'nonblocking'];
const hanging: { child: ReturnType<Place['start']>['child']; began: number }[] = [];

/** Starts clients that nobody answers, before the collectors start. */
export async function hang(held: Place): Promise<void> {
  const waiting = () => held.run('ss', '-tnH', 'state', 'syn-sent').trim().split('\n').filter(Boolean).length;
  for (const how of hows) {
    hanging.push({ began: Date.now() * 1000, child: held.start([how, '127.0.0.1', black]).child });
    await until('it waits', () => waiting() === hanging.length);
  }
}

/** Kills them. What a client would report about its attempt is known in advance. */
async function kill(_: Place, _narrow: Place, held: Place): Promise<Ran> {
  const ran: Ran = { pids: new Set(), said: { attempts: [], later: [] } };
  for (const { child, began } of hanging) {
    const pid = child.pid as number;
    const id = { pid, tid: pid, ppid: process.pid, uid: 0, gid: 0, comm: 'client', pcomm: 'client', exe: Place.client };
    const to = { netns: held.inode, family: 4, daddr: '127.0.0.1', dport: black, via: 'connect' } as const;
    ran.said.attempts.push({ ...id, ...to, began, ended: began });
    ran.pids.add(pid);
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }
  return ran;
}

export const existing: Case[] = [
  { name: 'waiting before the start, blocking and not', run: kill, ends: ['aborted', 'aborted'], existing: true },
];
