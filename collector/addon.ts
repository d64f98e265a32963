import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { native } from '../schemas/pipe/io/native.js';
import { RuntimeError } from '../schemas/pipe/messages/errors.js';

/** What the addon's start() takes. */
export interface StartOptions {
  /** Path of the BPF object. */
  object: string;
  /** Where the lines go. */
  fd: number;
  pids?: number[];
  uids?: number[];
  /** Remote ports, each from the first to the last. */
  ports?: [first: number, last: number][];
  /** Inode numbers of network namespaces. */
  netns?: number[];
  /** Folders in the cgroup2 hierarchy; what is below them is meant too. */
  cgroups?: string[];
  family?: 0 | 4 | 6;
  /** A sum of `reports`; outcome, if left out. */
  report?: number;
  /** How often an attempt that waits is reported: a value of `pendings`; never, if left out. */
  pending?: number;
  /** The cgroup2 hierarchy is mounted; true, if left out. */
  cgroup2?: boolean;
  /** How many attempts until it ends; 0 for no limit. */
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
  /** With `error`: which, and whether it is of the output. */
  code?: string;
  output?: boolean;
  /** Attempts whose last line was written, those that were lost, and those that were still open. */
  out: number;
  lost: number;
  pending: number;
  /** Other lines: written, and lost. */
  updates: number;
  lostUpdates: number;
}

/** What start() throws if the kernel refuses, or memory or threads run out. `log` is libbpf's last words. */
export interface StartError extends Error {
  code: string;
  step: 'open' | 'configure' | 'load' | 'attach' | 'check' | 'dns' | 'thread';
  log: string;
}

export interface Addon {
  /** Returns the functions that this kernel lacks: what only they show is not seen. */
  start(options: StartOptions, onEnd: (end: End) => void): string[];
  stop(): void;
  /**
   * Gives up, for this whole process and for good, every capability that the running collector's end does not need, and
   * becomes that user, without supplementary groups. Throws an Error with `code`.
   */
  dropPrivileges(to?: { uid: number; gid: number }): void;
  /** The inode number of a network namespace's file; undefined if it is another namespace. Throws an Error with `code`. */
  networkNamespace(path: string): number | undefined;
  /** `bytes` were written, `queued` wait in the kernel's ring buffer. */
  stats(): { out: number; lost: number; updates: number; lostUpdates: number; bytes: number; queued: number };
}

/** Ways to reach the kernel's hooks, the best first: each is the BPF object of its name. */
export const tiers = ['fentry', 'kprobe', 'tracepoint'] as const;
export type Tier = (typeof tiers)[number];

/** What `report` is the sum of: the events to write. */
export const reports = { attempt: 1, outcome: 2 } as const;

/** How often an attempt that waits is reported. */
export const pendings = { off: 0, once: 1, repeat: 2 } as const;

/** Throws a RuntimeError where there is none for this platform, or none that it can load. */
export function loadAddon(): Addon {
  try {
    return createRequire(import.meta.url)(native('collector.node'));
  } catch (error) {
    const [line] = (error as Error).message.split('\n') as [string];
    throw new RuntimeError(`cannot load the native part: ${reasonOf(line)}; build it: synpipe doctor --build`);
  }
}

const reasonOf = (message: string) =>
  existsSync(native('collector.node')) ? message : `there is none for ${process.platform}-${process.arch}`;

/** Why the addon cannot be loaded; undefined where it can. Found in another process: a file that was loaded stays so. */
export function refusal(): string | undefined {
  const script = 'require(process.argv[1])';
  const { status, stderr } = spawnSync(process.execPath, ['-e', script, native('collector.node')], {
    encoding: 'utf8',
  });
  return status === 0 ? undefined : reasonOf(/^Error: (.*)/m.exec(stderr)?.[1] ?? stderr.trim());
}

export function objectOf(tier: Tier | 'dns'): string {
  return native(`bpf/${tier}.bpf.o`);
}
