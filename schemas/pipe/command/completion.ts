import { readFileSync } from 'node:fs';
import { dist } from '../io/dist.js';
import { UsageError } from '../messages/errors.js';
import { defineCommand } from './command.js';
import { print } from './print.js';

/** The command `synpipe completion bash|zsh|fish`. */
export function completion() {
  return defineCommand({
    name: 'synpipe completion',
    summary: 'prints shell completions for all commands',
    usage: 'bash|zsh|fish',
    examples: [
      ['source <(synpipe completion bash)', 'put this in ~/.bashrc; for zsh use zsh in ~/.zshrc, after compinit'],
      ['synpipe completion fish > ~/.config/fish/conf.d/synpipe.fish', 'run this once'],
    ],
    args: ['bash|zsh|fish'],
    options: {},
    async run({ rest: [shell = ''] }) {
      if (!['bash', 'zsh', 'fish'].includes(shell))
        throw new UsageError(`unknown shell "${shell}"; use bash, zsh or fish`);
      await print(readFileSync(new URL(`completions/synpipe.${shell}`, dist)));
      return 0;
    },
  });
}
