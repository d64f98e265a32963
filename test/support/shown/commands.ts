import { checked, commands } from '../checked.js';
import { blocks, lines } from '../documents.js';
import { root } from '../shell.js';

/** Indented lines that are not commands: events, and messages, which golden cases check. */
const notCommand = /^\{|^\w+: --/;
const placeholder = /…|\b(FILE|COMMAND|SHELL|URL|TARGET|STREAM|NAME|PATH|PID|RUNS)\b|'A |^synpipe run$/;
const bare = (line: string) => line.replace(/\s{2,}#\s.*$/, '');
/** Commands that show that these silent commands did something. */
const proofs: Record<string, string> = {
  'PATH=$PWD/dist/bin:$PATH': 'command -v filter | grep "^$PWD/dist/bin/"',
  'source <(synpipe completion bash)': 'complete -p filter',
  'sudo npm install -g .': 'ls "$npm_config_prefix/bin/filter"', // npm may be configured to be silent
};

/** A command that a page shows. */
export interface Shown {
  page: string;
  script: string;
  proof: string;
  /** It uses receivers or a port, so it cannot run with others. */
  alone: boolean;
  endless: boolean;
  checkout: boolean;
  /** The contents of main.mts. A program has worked if it printed something. */
  program?: string;
}

function one(page: string, script: string, how: Partial<Shown> = {}): Shown {
  const finite = /-- \w|--duration|-n \d|doctor|--version|--help|completion|npm install/.test(script);
  return {
    ...{ page, script, proof: proofs[script] ?? '' },
    alone: /sink-web|sink-http|sink-nats|source-nats|https?:|sink-metrics .*\d{4}|\bdemo\b|--metrics \S*\d/.test(
      script,
    ),
    endless: !finite && /collector|sink-web|source-nats|replay|\bdemo\b|npm start|--follow|synpipe top/.test(script),
    checkout: /\bnpm |\$PWD/.test(script),
    ...how,
  };
}

/** Returns the commands that a page shows, without fragments of command lines. */
export async function shownOn(page: string): Promise<Shown[]> {
  const found: Shown[] = [];
  for (const { language, text, line, how } of blocks(page)) {
    const at = `${page}:${line}`;
    if (language === 'sh' && how !== 'not run') found.push(one(at, text, { endless: how === 'until Ctrl-C' }));
    const command = language === 'yaml' ? /command: \[synpipe, run, '(.*)'\]/.exec(text)?.[1] : undefined;
    if (command !== undefined) found.push(one(at, `synpipe run '${command}'`));
    if (language === 'crontab') found.push(one(at, text.replace(/^(\S+ ){5}/, '').replaceAll('\\%', '%')));
    if (language === 'ts') {
      const tsx = `${root}node_modules/tsx/dist/esm/index.mjs`;
      found.push(one(at, `node --import ${tsx} main.mts`, { endless: true, program: text }));
    }
  }
  const { indented, inline } = lines(page);
  found.push(...indented.filter((line) => !notCommand.test(line)).map((line) => one(page, bare(line))));
  const names = new RegExp(`^(sudo|synpipe|npm start|duckdb|source|cat|${Object.keys(commands).join('|')}) \\S`);
  for (const script of inline)
    if (names.test(script) && !placeholder.test(script) && !(await checked(script)).fragment)
      found.push(one(page, script));
  return found;
}
