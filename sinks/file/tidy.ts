import { constants, existsSync, statSync, unlinkSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { tryLock } from '../../schemas/pipe/io/lock.js';
import { cause } from '../../schemas/pipe/messages/errors.js';
import { logMessage } from '../../schemas/pipe/messages/log.js';
import { type Archive, Archiver, suffixes } from './archive.js';
import { closedName, type Found, listClosed } from './closed.js';
import { type Keep, surplus } from './retention.js';
import type { Template } from './template.js';
import type { Lock } from './whole-lines.js';

export interface TidyOptions {
  lock: Lock;
  keep: Keep;
  archive: Archive | undefined;
}

/** Looks after the closed files, in the background: archives them, and deletes what is more than is to be kept. */
export class Tidy {
  readonly #archiver: Archiver | undefined;
  #running: Promise<void> | undefined;
  #again = false;
  #at = 0;

  constructor(
    private readonly template: Template,
    private readonly options: TidyOptions,
    private readonly isOpen: (path: string) => boolean,
  ) {
    this.#archiver = options.archive && new Archiver(options.archive);
  }

  /** Something was closed, and now is the time of the period that began at `at`. */
  start(at: number): void {
    if (!this.#archiver && Object.values(this.options.keep).every((limit) => limit === undefined)) return;
    this.#at = at;
    this.#again = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  /** Resolves when all is done. */
  async end(): Promise<void> {
    await this.#running;
    await this.#archiver?.end();
  }

  async #run(): Promise<void> {
    while (this.#again) {
      this.#again = false;
      try {
        await this.#once();
      } catch (error) {
        logMessage('sink-file', `cannot look after closed files: ${cause(error)}`);
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

  /** Does something with a closed file, unless it is open here, or another process writes to it. */
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
   * The archive is complete and on the disk before the file goes, and has its name only after that: at any moment there
   * is either the file, or `.tmp` without the file, which `recover` takes for what it is.
   */
  async #archive({ path, size, modified }: Found): Promise<void> {
    const suffix = suffixes[this.options.archive as Archive];
    let from = path;
    try {
      if (existsSync(path + suffix)) {
        from = closedName(path, modified); // the name has come round again, as `%H` does
        await rename(path, from);
      }
      const [unfinished, name] = [`${from}${suffix}.tmp`, from + suffix];
      await this.#archiver?.make(from, unfinished, modified);
      if (this.isOpen(from) || statSync(from).size !== size) return await rm(unfinished);
      unlinkSync(from);
      await rename(unfinished, name);
    } catch (error) {
      if (existsSync(from)) await rm(`${from}${suffix}.tmp`, { force: true });
      logMessage('sink-file', `cannot archive ${from}: ${cause(error)}; it stays as it is`);
    }
  }
}

/** An archive that a crash left: complete if its file is gone; else it is made anew. */
async function recover(unfinished: string): Promise<void> {
  const name = unfinished.slice(0, -'.tmp'.length);
  const original = name.slice(0, name.lastIndexOf('.'));
  if (existsSync(original)) await rm(unfinished);
  else await rename(unfinished, name);
}
