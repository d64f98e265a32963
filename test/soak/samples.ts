import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

/** A process of the pipeline: its name and last argument, its memory in kB, and how many descriptors it has. */
export interface Sample {
  pid: number;
  name: string;
  rss: number;
  fds: number;
}

/** Looks at all processes of a process group, apart from shells. */
export function sample(group: number): Sample[] {
  const found: Sample[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
      if (Number(stat.slice(stat.lastIndexOf(')')).split(' ')[3]) !== group) continue;
      const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1);
      const [command, ...rest] = args[0]?.endsWith('node') ? args.slice(1) : args;
      if (!command || command === 'bash') continue;
      const rss = Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
      const fds = readdirSync(`/proc/${pid}/fd`).length;
      found.push({ pid: Number(pid), name: `${basename(command)} ${basename(rest.at(-1) ?? '')}`, rss, fds });
    } catch {} // it has just exited
  }
  return found;
}

const median = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 1] as number;

/** How much each process's memory may grow, and how many descriptors it may open (connections that are being replaced). */
const margin = { rss: (before: number) => Math.max(8192, before * 0.1), fds: 4 };

/** Compares the last third of a run with the second third. Returns a line for each process that grew. */
export function grown(samples: Sample[][]): string[] {
  const third = Math.floor(samples.length / 3);
  const parts = [samples.slice(third, -third), samples.slice(-third)].map((part) => part.flat());
  const wrong: string[] = [];
  for (const { pid, name } of samples.at(-1) ?? []) {
    const [before, after] = parts.map((part) => {
      const own = part.filter((one) => one.pid === pid);
      return { rss: median(own.map(({ rss }) => rss)), fds: median(own.map(({ fds }) => fds)) };
    }) as [Pick<Sample, 'rss' | 'fds'>, Pick<Sample, 'rss' | 'fds'>];
    if (after.rss > before.rss + margin.rss(before.rss)) wrong.push(`${name}: ${before.rss} kB, then ${after.rss} kB`);
    if (after.fds > before.fds + margin.fds) wrong.push(`${name}: ${before.fds} descriptors, then ${after.fds}`);
  }
  return wrong;
}
