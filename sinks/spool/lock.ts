import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { open, readFile, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RuntimeError } from '../../schemas/pipe/errors.js';

/** How often, and how long apart (ms), a lock is looked at: its process may have been killed, and the disk hold up its end. */
const times = 100;
const apartMs = 50;

/** A file that says which process uses a folder; one of a process that is gone does not count. */
export class Lock {
  #held = false;

  constructor(private readonly path: string) {}

  /** Throws RuntimeError where another process holds it. */
  async take(): Promise<void> {
    for (let tries = 0; !this.#held; tries++) {
      const owner = await inTurn(dirname(this.path), () => this.#try());
      if (owner === undefined) continue;
      if (tries >= times)
        throw new RuntimeError(`the spool is in use by process ${owner} (${this.path}); give each its own`);
      await sleep(apartMs);
    }
  }

  async release(): Promise<void> {
    if (this.#held) await rm(this.path, { force: true });
    this.#held = false;
  }

  /** Takes it, or returns the process that has it. */
  async #try(): Promise<number | undefined> {
    const owner = await readFile(this.path, 'utf8').catch(() => '');
    const pid = Number(owner.split(' ')[0]);
    if (owner !== '' && owner === identity(pid)) return pid;
    await rm(this.path, { force: true });
    const file = await open(this.path, 'wx', 0o600);
    try {
      await file.writeFile(identity(process.pid) ?? '');
    } finally {
      await file.close();
    }
    this.#held = true;
    return undefined;
  }
}

/**
 * Does something while no other process of this machine does it for this folder, or two could clear away what was left
 * behind, the second one the lock of the first. The turn is an abstract socket, which goes with its process. Whoever
 * would hold it for seconds is none of us.
 */
async function inTurn<T>(folder: string, does: () => Promise<T>): Promise<T> {
  const { dev, ino } = await stat(folder);
  const turn = createServer();
  for (let tries = 0; tries < 1_000; tries++) {
    try {
      await once(turn.listen(`\0synpipe-spool-${dev}-${ino}`), 'listening');
      break;
    } catch {
      await sleep(5);
    }
  }
  try {
    return await does();
  } finally {
    turn.close();
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
