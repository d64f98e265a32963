import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { bin } from './collect.js';
import { fresh, onExit } from './folder.js';

export const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };

/** A shell line in its own folder and process group, as an interactive shell runs it. */
export class Pipeline {
  readonly folder = fresh('pipeline');
  readonly child: ChildProcess;
  readonly ended: Promise<unknown>;
  stderr = '';

  constructor(line: string) {
    mkdirSync(this.folder);
    this.child = spawn('sh', ['-c', line], {
      cwd: this.folder,
      env,
      detached: true,
      stdio: ['ignore', 'inherit', 'pipe'],
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text;
    });
    onExit(() => this.kill('SIGKILL'));
    this.ended = once(this.child, 'close'); // once its last process has closed stderr
  }

  kill(signal: NodeJS.Signals): void {
    try {
      process.kill(-(this.child.pid as number), signal);
    } catch {} // it has exited
  }

  /** The contents of out.ndjson, or '' if it does not exist yet. */
  text(): string {
    const path = `${this.folder}/out.ndjson`;
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }
}
