import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { undo } from './process.js';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

/** Network namespaces for a test, each with a link to a bridge that only they share. */
export class Network {
  readonly #prefix = `synpipe-${process.pid}-${randomBytes(3).toString('hex')}-`; // a killed run leaves its namespaces behind
  readonly #names: string[] = [];
  readonly #addresses = new Map<string, string>();

  constructor(t: TestContext, names: readonly string[]) {
    undo(t, () => {
      for (const name of this.#names) execFileSync('ip', ['netns', 'del', this.#prefix + name]);
    });
    this.#add('hub');
    ip('-n', this.#of('hub'), 'link', 'add', 'bridge', 'type', 'bridge');
    ip('-n', this.#of('hub'), 'link', 'set', 'bridge', 'up');
    for (const [at, name] of names.entries()) {
      this.#add(name);
      const address = `10.99.0.${at + 1}`;
      this.#addresses.set(name, address);
      ip('-n', this.#of('hub'), 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'link', 'netns', this.#of(name));
      ip('-n', this.#of('hub'), 'link', 'set', 'dev', name, 'master', 'bridge', 'up');
      ip('-n', this.#of(name), 'address', 'add', `${address}/24`, 'dev', 'link');
      ip('-n', this.#of(name), 'link', 'set', 'dev', 'link', 'up');
      ip('-n', this.#of(name), 'link', 'set', 'lo', 'up');
    }
  }

  address(name: string): string {
    return this.#addresses.get(name) as string;
  }

  /** The words before a command that run it there. */
  in(name: string): string[] {
    return ['ip', 'netns', 'exec', this.#of(name)];
  }

  cut(name: string): void {
    ip('-n', this.#of('hub'), 'link', 'set', 'dev', name, 'down');
  }

  heal(name: string): void {
    ip('-n', this.#of('hub'), 'link', 'set', 'dev', name, 'up');
  }

  #of(name: string): string {
    return this.#prefix + name;
  }

  #add(name: string): void {
    ip('netns', 'add', this.#of(name));
    this.#names.push(name);
  }
}
