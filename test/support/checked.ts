import type { Command, Entry } from '../../schemas/pipe/command/command.js';
import type { Options } from '../../schemas/pipe/command/options.js';
import { pipelineWords } from '../../schemas/pipe/command/words.js';
import { root } from './shell.js';

const built = (path: string) => import(`${root}dist/${path}`);
export const { commands } = (await built('commands.js')) as { commands: Record<string, Entry> };
const { parseCommand } = (await built(
  'schemas/pipe/command/main.js',
)) as typeof import('../../schemas/pipe/command/main.js');
const { UsageError } = (await built(
  'schemas/pipe/messages/errors.js',
)) as typeof import('../../schemas/pipe/messages/errors.js');

/** A line's commands and words, without redirections and comments; undefined if it is not a plain pipeline. */
function pipeline(line: string): string[][] | undefined {
  const bare = line
    .split(/('[^']*'|"(?:[^"\\]|\\.)*")/)
    .map((part, at) => (at % 2 === 1 ? part : part.replace(/\s#\s.*$/, '').replace(/\s[<>]{1,2}\s*\S+/g, '')))
    .join('');
  try {
    return pipelineWords(bare).map((words) => words.slice(words[0] === 'sudo' ? 1 : 0));
  } catch {
    return undefined;
  }
}

export interface Checked {
  /** How many of our commands it has, with arguments. */
  count: number;
  /** Whether the command is incomplete: shortened, for a certain machine, or with a placeholder such as FIELDS. */
  fragment: boolean;
  /** Why the line is wrong. */
  wrong?: string;
}

/** Checks a shell line, including the text in `synpipe run`. */
export async function checked(line: string): Promise<Checked> {
  const found: Checked = { count: 0, fragment: false };
  for (const words of pipeline(line) ?? []) {
    const [name = '', ...argv] = words[0] === 'synpipe' ? words.slice(1) : words;
    if (name === 'run' && words[0] === 'synpipe') {
      const inside = await checked(argv[0] ?? '');
      if (inside.wrong !== undefined) return inside;
      found.count += inside.count;
      found.fragment ||= inside.fragment;
    }
    if (!Object.hasOwn(commands, name) || argv.length === 0) continue;
    if (argv.some((word) => /…|^(--cgroup|--netns)/.test(word))) {
      found.fragment = true;
      continue;
    }
    found.count++;
    try {
      parseCommand((await (commands[name] as Entry).load()) as unknown as Command<Options>, argv);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const placeholder = /^(missing|unexpected argument)|^invalid \S+ "[A-Z,]+"/; // `--by FIELDS`, or an omitted argument
      if (!placeholder.test(error.message)) return { ...found, wrong: `${line}: ${name}: ${error.message}` };
      found.fragment = true;
    }
  }
  return found;
}
