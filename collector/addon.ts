import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** What the addon's start() takes. */
export interface StartOptions {
  /** Path of the BPF object. */
  object: string;
  /** Where the lines go. */
  fd: number;
  pids?: number[];
  uids?: number[];
  /** Remote ports. */
  ports?: number[];
  family?: 0 | 4 | 6;
  /** End after so many events; 0 is never. */
  count?: number;
  /** Written before the first event. */
  header?: string;
}

/** How a run ended. */
export interface End {
  reason: 'stop' | 'count' | 'closed' | 'error';
  code?: string;
  out: number;
  lost: number;
}

/** What start() throws where the kernel refuses. `log` is libbpf's last words. */
export interface StartError extends Error {
  code: string;
  step: 'open' | 'configure' | 'load' | 'attach';
  log: string;
}

export interface Addon {
  start(options: StartOptions, onEnd: (end: End) => void): void;
  stop(): void;
  stats(): { out: number; lost: number; bytes: number };
}

/** Ways to reach the kernel's hooks, the best first: each is the BPF object of its name. */
export const tiers = ['tracepoint'] as const;
export type Tier = (typeof tiers)[number];

export function loadAddon(): Addon {
  return createRequire(import.meta.url)('./collector.node');
}

export function objectOf(tier: Tier): string {
  return fileURLToPath(new URL(`../bpf/${tier}.bpf.o`, import.meta.url));
}

/** A refusal in one line: cause and remedy. */
export function explain(error: StartError): string {
  return `${error.message}; ${remedy(error)}`;
}

function remedy({ code, step }: StartError): string {
  if (code === 'EPERM' || code === 'EACCES') {
    return process.getuid?.() === 0
      ? "this root lacks cap_bpf and cap_perfmon, or the kernel's lockdown or a seccomp filter forbids it"
      : 'run as root or grant cap_bpf,cap_perfmon';
  }
  if (step === 'attach' && code === 'ENOENT') return 'mount tracefs: mount -t tracefs tracefs /sys/kernel/tracing';
  if (step === 'open' && code === 'ENOENT') return 'build it: npm run build';
  if (code === 'ESRCH' || code === 'EINVAL')
    return 'the kernel is too old or has no BTF: it needs 5.8 and /sys/kernel/btf/vmlinux';
  if (code === 'ENOMEM') return 'free some memory, or raise the memory limit (ulimit -l on kernels before 5.11)';
  return 'see synpipe doctor';
}
