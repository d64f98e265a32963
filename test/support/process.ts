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
 * Runs a task after the test, the last one added first, so that a folder is removed after its writers have exited.
 * (`t.after` runs tasks in the order of the calls.)
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

/** Makes a temporary folder, which is removed after the test. */
export function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'synpipe-fault-'));
  undo(t, () => rmSync(dir, { recursive: true, force: true, maxRetries: 3 })); // a process of a killed group may still write
  return dir;
}

export interface Running {
  child: ChildProcess;
  ended: Promise<{ code: number | null; signal: NodeJS.Signals | null; stderr: string }>;
}

/** Starts a command in its own process group, which is killed at the end of the test. */
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

/** Waits until something holds. Gives up after two minutes at the earliest. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let tries = 0; tries < 24_000; tries++) {
    if (holds()) return;
    await sleep(5);
  }
  assert.fail(`timed out waiting for ${what}`);
}

/** Waits until a number has stopped changing. Returns it. */
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
