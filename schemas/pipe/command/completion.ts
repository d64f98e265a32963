import { readFileSync } from 'node:fs';
import { UsageError } from '../messages/errors.js';
import { defineCommand } from './command.js';
import { print } from './print.js';

/** `synpipe completion bash|zsh|fish` */
export function completion() {
  return defineCommand({
    name: 'synpipe completion',
    summary: 'prints the completions of all commands for a shell',
    usage: 'bash|zsh|fish',
    examples: [
      ['source <(synpipe completion bash)', 'in ~/.bashrc; the same with zsh in ~/.zshrc, after compinit'],
      ['synpipe completion fish > ~/.config/fish/conf.d/synpipe.fish', 'once'],
    ],
    args: ['bash|zsh|fish'],
    options: {},
    async run({ rest: [shell = ''] }) {
      if (!['bash', 'zsh', 'fish'].includes(shell)) throw new UsageError(`wants bash, zsh or fish, not "${shell}"`);
      await print(readFileSync(new URL(`../../../completions/synpipe.${shell}`, import.meta.url)));
      return 0;
    },
  });
}
