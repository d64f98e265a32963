import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dist } from '../schemas/pipe/io/dist.js';
import { native } from '../schemas/pipe/io/native.js';
import { RuntimeError } from '../schemas/pipe/messages/errors.js';

/** The options of the addon's start(). */
export interface StartOptions {
  /** Path of the BPF object. */
  object: string;
  /** The descriptor to write the lines to. */
  fd: number;
  pids?: number[];
  uids?: number[];
  /** Ranges of remote ports, both ends included. */
  ports?: [first: number, last: number][];
  /** Inode numbers of network namespaces. */
  netns?: number[];
  /** Folders in the cgroup2 hierarchy; cgroups below them match too. */
  cgroups?: string[];
  family?: 0 | 4 | 6;
  /** A sum of `reports`; default: outcome. */
  report?: number;
  /** How often a waiting attempt is reported: a value of `pendings`; default: never. */
  pending?: number;
  /** Whether the cgroup2 hierarchy is mounted; default: true. */
  cgroup2?: boolean;
  /** With report `closed`: report the connections that are open this often, in milliseconds; default: never. */
  every?: number;
  /** With report `closed`: 1 to report the connections that are still open at the end. */
  snapshot?: number;
  /** 1 to report why packets were dropped. */
  drops?: number;
  /** Stop after this many attempts; 0 for no limit. */
  count?: number;
  /** Text to write before the first event. */
  header?: string;
  /** The path of the BPF object that reads DNS; without it, DNS is not reported. */
  dnsObject?: string;
  /** Where the cgroup2 hierarchy is mounted; needed with `dnsObject`. */
  dnsCgroup?: string;
}

/** How a run ended. */
export interface End {
  reason: 'stop' | 'count' | 'closed' | 'error';
  /** With reason `error`: the error code, and whether the error concerns the output. */
  code?: string;
  output?: boolean;
  /** Attempts whose last line was written, those that were lost, and those that were still open. */
  out: number;
  lost: number;
  pending: number;
  /** Connections that were still open; 0 without report `closed`. */
  open: number;
  /** Other lines: written, and lost. */
  updates: number;
  lostUpdates: number;
}

/** What start() throws if the kernel refuses, or memory or threads run out. */
export interface StartError extends Error {
  code: string;
  step: 'open' | 'configure' | 'load' | 'attach' | 'check' | 'dns' | 'drops' | 'thread';
}

export interface Addon {
  /** Starts the collector. Returns the functions that this kernel lacks: what only they show is not seen. */
  start(options: StartOptions, onEnd: (end: End) => void): string[];
  stop(): void;
  /**
   * Gives up every capability that stopping the collector does not need, for the whole process and permanently, and becomes
   * that user, without supplementary groups. Throws an Error with `code`.
   */
  dropPrivileges(to?: { uid: number; gid: number }): void;
  /** Returns the inode number of a network namespace's file; undefined for any other file. Throws an Error with `code`. */
  networkNamespace(path: string): number | undefined;
  /** `bytes` is what has been written, `queued` the bytes that wait in the kernel's ring buffer. */
  stats(): { out: number; lost: number; updates: number; lostUpdates: number; bytes: number; queued: number };
}

/** Ways to hook into the kernel, the best first. Each is the name of a BPF object. */
export const tiers = ['fentry', 'kprobe', 'tracepoint'] as const;
export type Tier = (typeof tiers)[number];

/** The events to write; `report` is a sum of these. */
export const reports = { attempt: 1, outcome: 2, closed: 8 } as const;

/** How often a waiting attempt is reported. */
export const pendings = { off: 0, once: 1, repeat: 2 } as const;

/** Loads the addon. Throws RuntimeError if this platform has no addon, or it cannot be loaded. */
export function loadAddon(): Addon {
  try {
    return createRequire(dist)(native('collector.node'));
  } catch (error) {
    const [line] = (error as Error).message.split('\n') as [string];
    throw new RuntimeError(`cannot load the native part: ${reasonOf(line)}; build it: synpipe doctor --build`);
  }
}

const reasonOf = (message: string) =>
  existsSync(native('collector.node')) ? message : `there is none for ${process.platform}-${process.arch}`;

/**
 * Returns why the addon cannot be loaded; undefined if it can. Tries it in another process, since a file cannot be unloaded
 * again.
 */
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
