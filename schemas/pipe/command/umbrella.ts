import { UsageError } from '../messages/errors.js';
import { run } from '../run/run.js';
import type { Command, Entry } from './command.js';
import { completion } from './completion.js';
import { demo } from './demo.js';
import { main } from './main.js';
import { nearest } from './nearest.js';

/**
 * Runs `synpipe` if its first argument is not a command with its own file, such as `filter`; `dist/bin/synpipe` starts those
 * without this module. `synpipe help COMMAND` is the same as `synpipe COMMAND --help`.
 */
export async function umbrella(commands: Record<string, Entry>): Promise<void> {
  let argv = process.argv.slice(2);
  const [asked, about] = argv;
  if (asked === 'help') {
    const entry = Object.hasOwn(commands, about ?? '') ? commands[about as string] : undefined;
    if (entry) return main(await entry.load(), ['--help']);
    argv = about === undefined ? ['--help'] : Object.hasOwn(owns, about) ? [about, '--help'] : [about];
  } else if (asked !== undefined && !asked.startsWith('-') && !Object.hasOwn(owns, asked)) {
    argv = [asked]; // an unknown command has no --help
  }
  const own = Object.hasOwn(owns, argv[0] ?? '') ? owns[argv[0] as string] : undefined;
  await main((own ?? self)(commands), own ? argv.slice(1) : argv);
}

/** The commands that exist only as `synpipe NAME`. */
const owns: Record<string, (commands: Record<string, Entry>) => Command<never>> = {
  run: run as never,
  demo: demo as never,
  completion: completion as never,
};

/** Returns synpipe itself and the commands that exist only as `synpipe NAME`, for the manual. */
export function umbrellaCommands(commands: Record<string, Entry>): Command<never>[] {
  return [self, ...Object.values(owns)].map((make) => make(commands));
}

function self(commands: Record<string, Entry>): Command<never> {
  const rows = Object.entries(commands).map(([name, { summary }]) => [name, summary] as const);
  for (const [name, own] of Object.entries(owns)) rows.push([name, own(commands).summary]);
  const names = rows.map(([name]) => name);
  const width = Math.max(...names.map((name) => name.length));
  return {
    name: 'synpipe',
    summary: 'what this host connects to, as JSON Lines for every Unix tool',
    usage: 'COMMAND [OPTION]…',
    examples: [
      [
        'sudo synpipe collector | synpipe filter --dport 443 | synpipe sink-file out.ndjson',
        'keep attempts to port 443',
      ],
      ['synpipe demo', 'try it on a recording'],
      ['sudo synpipe doctor', 'check what works on this machine, and how to fix the rest'],
    ],
    args: ['COMMAND'],
    options: {} as never,
    notes: `Commands (for details, see synpipe COMMAND --help):\n${rows
      .map(([name, summary]) => `  ${name.padEnd(width)}  ${summary}`)
      .join('\n')}`,
    run({ rest: [name = ''] }) {
      throw new UsageError(`unknown command "${name}"; ${nearest(name, names) ?? 'see --help'}`);
    },
  };
}
