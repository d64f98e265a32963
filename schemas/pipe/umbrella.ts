import type { Command } from './command.js';
import { UsageError } from './errors.js';
import { main } from './main.js';
import { nearest } from './options.js';

/** A command that the build found: its line for --help, and how to get it. */
export interface Entry {
  summary: string;
  load(): Promise<Command<never>>;
}

/** `synpipe …` that is none of the commands, which the build has dealt with. */
export async function umbrella(commands: Record<string, Entry>): Promise<void> {
  await main(self(commands));
}

function self(commands: Record<string, Entry>): Command<never> {
  const names = Object.keys(commands);
  const width = Math.max(...names.map((name) => name.length));
  return {
    name: 'synpipe',
    summary: 'what this host connects to, as JSON Lines for every Unix tool',
    usage: 'COMMAND [OPTION]…',
    examples: [
      [
        'sudo synpipe collector | synpipe filter --dport 443 | synpipe sink-file out.ndjson',
        'keep what goes to port 443',
      ],
      ['sudo synpipe doctor', 'what works on this machine, and what to do about the rest'],
    ],
    args: ['COMMAND'],
    options: {} as never,
    notes: `Commands (synpipe COMMAND --help tells more):\n${names
      .map((name) => `  ${name.padEnd(width)}  ${commands[name]?.summary}`)
      .join('\n')}`,
    run({ rest: [name = ''] }) {
      throw new UsageError(`there is no command "${name}"; ${nearest(name, names) ?? 'see --help'}`);
    },
  };
}
