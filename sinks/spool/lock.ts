import { readFileSync } from 'node:fs';
import { open, readFile, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../schemas/pipe/errors.js';

/** A file that says which process uses a folder; one of a process that is gone does not count. */
export class Lock {
  #held = false;

  constructor(private readonly path: string) {}

  /** Throws RuntimeError where another process holds it. */
  async take(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const owner = await readFile(this.path, 'utf8').catch(() => '');
      const pid = Number(owner.split(' ')[0]);
      if (owner === '' || owner !== identity(pid)) break;
      if (tries === 100)
        throw new RuntimeError(`the spool is in use by process ${pid} (${this.path}); give each its own`);
      await sleep(50); // killed, and the disk holds up its end
    }
    await rm(this.path, { force: true });
    const file = await open(this.path, 'wx', 0o600);
    try {
      await file.writeFile(identity(process.pid) ?? '');
    } finally {
      await file.close();
    }
    this.#held = true;
  }

  async release(): Promise<void> {
    if (this.#held) await rm(this.path, { force: true });
    this.#held = false;
  }
}

/** A process's id and when it started, since ids come round again; undefined where there is none. */
function identity(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return `${pid} ${fields[19]}`;
  } catch {
    return undefined;
  }
}
