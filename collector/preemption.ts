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

const missed =
  'fentry: this kernel preempts, so attempts that start on a CPU while the program is interrupted there would be missed';

/** Returns the tiers, the best first, and why fentry is not the first, if it is not. */
export function ranked(): { order: readonly Tier[]; why?: string } {
  if (!preempts(version(), text)) return { order: tiers };
  return { order: ['kprobe', 'fentry', 'tracepoint'], why: missed };
}
