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
  /** Inode numbers of network namespaces. */
  netns?: number[];
  /** Folders in the cgroup2 hierarchy; what is below them is meant too. */
  cgroups?: string[];
  family?: 0 | 4 | 6;
  /** A sum of `reports`; connect, if left out. */
  report?: number;
  /** The cgroup2 hierarchy is mounted; true, if left out. */
  cgroup2?: boolean;
  /** End after so many events; 0 is never. */
  count?: number;
  /** Written before the first event. */
  header?: string;
  /** DNS answers too: path of that BPF object, and where the cgroup2 hierarchy is mounted. */
  dnsObject?: string;
  dnsCgroup?: string;
}

/** How a run ended. */
export interface End {
  reason: 'stop' | 'count' | 'closed' | 'error';
  code?: string;
  out: number;
  lost: number;
  pending: number;
}

/** What start() throws where the kernel refuses. `log` is libbpf's last words. */
export interface StartError extends Error {
  code: string;
  step: 'open' | 'configure' | 'load' | 'attach' | 'check' | 'dns';
  log: string;
}

export interface Addon {
  /** Returns the functions that this kernel lacks: what only they show is not seen. */
  start(options: StartOptions, onEnd: (end: End) => void): string[];
  stop(): void;
  /** Gives up, for this whole process and for good, every capability that the running collector's end does not need. */
  dropPrivileges(): void;
  stats(): { out: number; lost: number; bytes: number };
}

/** Ways to reach the kernel's hooks, the best first: each is the BPF object of its name. */
export const tiers = ['fentry', 'kprobe', 'tracepoint'] as const;
export type Tier = (typeof tiers)[number];

/** What `report` is made of: the events that are told. */
export const reports = { attempt: 1, outcome: 2, both: 3 } as const;

export function loadAddon(): Addon {
  return createRequire(import.meta.url)('./collector.node');
}

export function objectOf(tier: Tier | 'dns'): string {
  return fileURLToPath(new URL(`../bpf/${tier}.bpf.o`, import.meta.url));
}
