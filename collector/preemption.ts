/** Whether the kernel preempts itself: then the tiers are tried in another order. */
import { readFileSync } from 'node:fs';
import { release, version } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { type Tier, tiers } from './addon.js';

const text = (path: string): string => {
  try {
    const bytes = readFileSync(path);
    return (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  } catch {
    return '';
  }
};

/**
 * Decides this by the kernel's version. If the mode is chosen at boot (PREEMPT_DYNAMIC), decides by the first of debugfs, the
 * kernel's command line and its configuration that states it; true if none of these does.
 */
export function preempts(kernel: string, read: (path: string) => string): boolean {
  if (!/\bPREEMPT/.test(kernel)) return false;
  if (!kernel.includes('PREEMPT_DYNAMIC')) return true;
  const mode =
    /\((\w+)\)/.exec(read('/sys/kernel/debug/sched/preempt'))?.[1] ??
    /\bpreempt=(\w+)/.exec(read('/proc/cmdline'))?.[1];
  if (mode) return mode === 'full' || mode === 'lazy';
  const config = read('/proc/config.gz') || read(`/boot/config-${release()}`);
  return !/^CONFIG_PREEMPT_(NONE|VOLUNTARY)=y$/m.test(config);
}

const missed = (tier: Tier) =>
  `${tier}: this kernel preempts, so attempts that start on a CPU while the program is interrupted there are missed, and counted as lost`;

/** Returns the tiers, the best first, and why some of them miss attempts on this kernel. */
export function ranked(
  kernel = version(),
  read = text,
  series = release(),
): { order: readonly Tier[]; misses: { [tier in Tier]?: string } } {
  if (!preempts(kernel, read)) return { order: tiers, misses: {} };
  const tracepoints = Number.parseInt(series, 10) >= 7; // since then their programs can be preempted too
  const misses = { fentry: missed('fentry'), ...(tracepoints && { tracepoint: missed('tracepoint') }) };
  return { order: ['kprobe', 'fentry', 'tracepoint'], misses };
}
