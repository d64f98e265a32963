import { execFileSync } from 'node:child_process';
import { harness } from './tools.js';

/** What the harness measures for a pipeline. */
export interface Run {
  seconds: number;
  lines: number;
  /** Seconds, summed over all processes. */
  cpu: number;
  /** KiB, of the largest process. */
  rss: number;
}

/** Runs a pipeline from a file, or from a pipe that a file is written to. Appends what went wrong to `faults`. */
export function throughput(how: 'file' | 'pipe', input: string, command: string[], faults: string[]): Run {
  const said = execFileSync(harness, ['throughput', how, input, ...command], { encoding: 'utf8', maxBuffer: 1 << 20 });
  const { seconds, lines, cpu, rss, codes } = JSON.parse(said);
  if (codes.some((code: number) => code !== 0)) faults.push(`${command.join(' ')}: exit codes ${codes}`);
  return { seconds, lines, cpu, rss: Math.max(...rss) };
}

export const median = (list: number[]) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] as number;
