import type { Command } from './command.js';
import { UsageError } from './errors.js';
import { main } from './main.js';
import { nearest } from './options.js';
import { run } from './run.js';

/** A command that the build found: its line for --help, and how to get it. */
export interface Entry {
  summary: string;
  load(): Promise<Command<never>>;
}

/** `synpipe …` that is none of the commands, which the build has dealt with. */
export async function umbrella(commands: Record<string, Entry>): Promise<void> {
  const running = process.argv[2] === 'run';
  await main((running ? run(commands) : self(commands)) as Command<never>, process.argv.slice(running ? 3 : 2));
}

function self(commands: Record<string, Entry>): Command<never> {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary] as const);
  rows.push(['run', run(commands).summary]);
  const names = rows.map(([name]) => name);
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
    notes: `Commands (synpipe COMMAND --help tells more):\n${rows
      .map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`)
      .join('\n')}`,
    run({ rest: [name = ''] }) {
      throw new UsageError(`there is no command "${name}"; ${nearest(name, names) ?? 'see --help'}`);
    },
  };
}
