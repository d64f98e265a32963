import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let made: string | undefined;
let count = 0;

const tasks: (() => void)[] = [];
process.on('exit', () => {
  for (const task of tasks.reverse()) {
    try {
      task();
    } catch {}
  }
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(1));

/** Runs a task when the test process exits, however it exits. The last one added runs first. */
export function onExit(task: () => void): void {
  tasks.push(task);
}

/** Returns this test file's temporary folder, which is removed at exit. */
export function folder(): string {
  if (made) return made;
  const path = mkdtempSync(join(tmpdir(), 'synpipe-live-'));
  made = path;
  onExit(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Returns an unused path in it. */
export function fresh(name: string): string {
  return join(folder(), `${count++}-${name}`);
}
