import { constants, existsSync, statSync, unlinkSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { tryLock } from '../../schemas/pipe/io/lock.js';
import { cause, RuntimeError } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { type Archive, Archiver, suffixes } from './archive.js';
import { closedName, type FoundFile, listClosed } from './closed.js';
import type { LockMode } from './line-file.js';
import { type RetentionLimits, surplus } from './retention.js';
import type { Template } from './template.js';

export interface HousekeepingOptions {
  lock: LockMode;
  keep: RetentionLimits;
  archive: Archive | undefined;
}

/** Maintains the closed files in the background: archives them and deletes those beyond the retention limits. */
export class Housekeeping {
  readonly #archiver: Archiver | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #at = 0;

  /** The files that could not be archived, and were reported. */
  readonly #kept = new Set<string>();

  constructor(
    private readonly template: Template,
    private readonly options: HousekeepingOptions,
    private readonly isOpen: (path: string) => boolean,
  ) {
    this.#archiver = options.archive && new Archiver(options.archive);
  }

  /** Starts a run, or another one after the current run. `at` is when the current period started. */
  start(at: number): void {
    if (!this.#archiver && Object.values(this.options.keep).every((limit) => limit === undefined)) return;
    this.#archiver?.start();
    this.#at = at;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when the last run is done. */
  async end(): Promise<void> {
    await this.#running;
    await this.#archiver?.end();
  }

  /** Throws RuntimeError if files are left that could not be archived. */
  check(): void {
    const left = [...this.#kept].filter((path) => existsSync(path)).length; // others have been deleted since
    const files = left === 1 ? '1 closed file is' : `${left} closed files are`;
    if (left > 0)
      throw new RuntimeError(
        `${files} not archived; fix the cause, then start sink-file again: it archives closed files`,
      );
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.#once();
      } catch (error) {
        logMessage('sink-file', `cannot archive or delete closed files: ${cause(error)}`);
      }
    }
  }

  async #once(): Promise<void> {
    const { closed, unfinished } = await listClosed(this.template, this.#at);
    for (const path of unfinished) await recover(path);
    if (this.#archiver) for (const one of closed) await this.#ifFree(one.path, () => this.#archive(one));
    const now = await listClosed(this.template, this.#at);
    for (const { path } of surplus([...now.closed, ...now.archived], this.options.keep, Date.now()))
      await this.#ifFree(path, () => rm(path, { force: true }));
  }

  /** Runs `task` on a closed file, unless it is open in this process or another process writes to it. */
  async #ifFree(path: string, task: () => Promise<void>): Promise<void> {
    if (this.isOpen(path)) return;
    const how = constants.O_WRONLY | constants.O_APPEND;
    const file = this.options.lock === 'own' ? await open(path, how).catch(() => undefined) : undefined;
    try {
      if (!file || tryLock(file.fd, path, 'sink-file')) await task();
    } finally {
      await file?.close();
    }
  }

  /**
   * Archives a file, or deletes it if it is empty. The archive is written to `.tmp` and synced, then the file is deleted, then the archive gets its name.
   * After a crash, a `.tmp` whose file is gone is therefore complete: see `recover`.
   */
  async #archive({ path, size, modified }: FoundFile): Promise<void> {
    if (size === 0) return rm(path, { force: true });
    const suffix = suffixes[this.options.archive as Archive];
    let from = path;
    try {
      if (existsSync(path + suffix)) {
        from = closedName(path, modified); // the template repeats names, as with `%H`
        await rename(path, from);
      }
      const [unfinished, name] = [`${from}${suffix}.tmp`, from + suffix];
      await this.#archiver?.make(from, unfinished, modified);
      if (this.isOpen(from) || statSync(from).size !== size) return await rm(unfinished);
      unlinkSync(from);
      await rename(unfinished, name);
      this.#kept.delete(path);
    } catch (error) {
      if (existsSync(from)) await rm(`${from}${suffix}.tmp`, { force: true });
      if (this.#kept.has(from)) return; // every run tries again
      this.#kept.add(from);
      logMessage('sink-file', `cannot archive ${from}: ${cause(error)}; keeping it as it is`);
    }
  }
}

/** Handles an archive left by a crash. It is complete if its file is gone; otherwise it is deleted and written again later. */
async function recover(unfinished: string): Promise<void> {
  const name = unfinished.slice(0, -'.tmp'.length);
  const original = name.slice(0, name.lastIndexOf('.'));
  if (existsSync(original)) await rm(unfinished);
  else await rename(unfinished, name);
}
