import { UsageError } from '../messages/errors.js';

/** Characters with a special meaning in a shell, unless quoted. */
const meant = new Set('<>&;()$`*?[{}~\n');
/** Characters that a backslash escapes inside double quotes. */
const special = '$`"\\';

/** Returns a text as one word of a shell. */
export const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * Splits a pipeline as a POSIX shell does: into commands at `|`, and commands into words at blanks. Removes quotes and
 * backslashes. Throws UsageError, with the column, at any other shell syntax.
 */
export function pipelineWords(text: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | undefined;
  const fail = (at: number, what: string): never => {
    throw new UsageError(`column ${[...text.slice(0, at)].length + 1}: ${what}`);
  };
  const shown = (at: number) => (text[at] === '\n' ? 'a newline' : text[at]);
  const meaning = (at: number) =>
    fail(at, `${shown(at)} has a special meaning in a shell; quote it to use it literally`);
  const add = (part: string) => {
    word = (word ?? '') + part;
  };
  const endWord = () => {
    if (word !== undefined) commands.at(-1)?.push(word);
    word = undefined;
  };
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if (char === ' ' || char === '\t') endWord();
    else if (char === '|') {
      endWord();
      if (commands.at(-1)?.length === 0) fail(at, 'a command is missing before |');
      commands.push([]);
    } else if (char === '\n') {
      endWord();
      const between = commands.at(-1)?.length === 0 || !text.slice(at).trim(); // after |, or at the start or end
      if (!between) meaning(at);
    } else if (char === '\\') {
      at++;
      if (at === text.length) fail(at - 1, 'nothing follows the backslash');
      if (text[at] !== '\n') add(text[at] as string);
    } else if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end < 0) fail(at, "this ' is not closed");
      add(text.slice(at + 1, end));
      at = end;
    } else if (char === '"') {
      const end = insideQuotes(text, at, add, meaning);
      if (end < 0) fail(at, 'this " is not closed');
      at = end;
    } else if (meant.has(char) || (word === undefined && char === '#')) meaning(at);
    else add(char);
  }
  endWord();
  if (commands.at(-1)?.length === 0)
    fail(text.length, commands.length > 1 ? 'a command is missing after |' : 'a command is missing');
  return commands;
}

/** Adds the text inside the double quotes that open at `start`. Returns the index of the closing quote, or -1. */
function insideQuotes(
  text: string,
  start: number,
  add: (part: string) => void,
  meaning: (at: number) => never,
): number {
  add('');
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at] as string;
    if (char === '"') return at;
    if (char === '$' || char === '`') meaning(at);
    const next = text[at + 1] ?? '';
    if (char === '\\' && next === '\n') at++;
    else if (char === '\\' && special.includes(next)) add(text[++at] as string);
    else add(char);
  }
  return -1;
}
