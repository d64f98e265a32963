/** Whether the kernel takes the CPU from what runs in it: then the order of the tiers is another. */
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
 * By its version, and where that is chosen at boot by what debugfs, the command line or its configuration say, the first
 * that says anything. True where nothing does.
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
  'fentry: this kernel preempts, and what other threads begin on a CPU while its program waits there would be missed';

/** The tiers, the best first, and why the first is not fentry where it is not. */
export function ranked(): { order: readonly Tier[]; why?: string } {
  if (!preempts(version(), text)) return { order: tiers };
  return { order: ['kprobe', 'fentry', 'tracepoint'], why: missed };
}
