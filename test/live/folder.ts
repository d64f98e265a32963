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

/** What must not outlive the test, whatever becomes of it. The last one comes first. */
export function onExit(task: () => void): void {
  tasks.push(task);
}

/** This test file's folder for what it makes; gone afterwards. */
export function folder(): string {
  if (made) return made;
  const path = mkdtempSync(join(tmpdir(), 'synpipe-live-'));
  made = path;
  onExit(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** A path in it that nobody has used. */
export function fresh(name: string): string {
  return join(folder(), `${count++}-${name}`);
}
