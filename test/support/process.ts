import assert from 'node:assert/strict';
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { env } from './shell.js';

const undoing = new WeakMap<TestContext, (() => unknown)[]>();

/**
 * Has something undone after the test, what came last first: a folder goes when those that write into it have gone.
 * (`t.after` goes in the order of the calls.)
 */
export function undo(t: TestContext, task: () => unknown): void {
  const tasks = undoing.get(t);
  if (tasks) return void tasks.push(task);
  const all = [task];
  undoing.set(t, all);
  t.after(async () => {
    for (const one of all.reverse()) await one();
  });
}

/** A folder of the test's own, gone after it. */
export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-fault-'));
  undo(t, () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 })); // of a group that was killed, one may still write
  return dir;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Starts a command, in a process group of its own; what is left of it dies with the test. */
export function start(t: TestContext, argv: string[], cwd: string, stdio: StdioOptions = 'pipe'): Running {
  const child = spawn(argv[0] as string, argv.slice(1), { cwd, env, stdio, detached: true });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  child.stdin?.on('error', () => {});
  const gone = new Promise((resolve) => child.on('exit', resolve).on('error', resolve));
  undo(t, () => {
    killGroup(child);
    return gone;
  });
  const ended = new Promise<Awaited<Running['ended']>>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stderr }));
  });
  return { child, ended };
}

export function killGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(-(child.pid as number), signal);
  } catch {}
}

/** Waits until something holds; gives up, after two minutes at least, only where it never seems to. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 24_000; tries++) {
    if (holds()) return;
    await sleep(5);
  }
  assert.fail(`waited in vain for ${what}`);
}

/** Waits until a number has stopped changing. */
export async function settled(value: () => number): Promise<number> {
  let last = value();
  for (let same = 0; same < 40; same++) {
    await sleep(10);
    const now = value();
    if (now !== last) same = 0;
    last = now;
  }
  return last;
}

export const size = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** A number from /proc/PID/…: `VmHWM:  123 kB`, `wchar: 5`. */
export function proc(pid: number | undefined, file: string, name: string): number {
  const [, value] = new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8')) ?? [];
  return Number(value);
}
