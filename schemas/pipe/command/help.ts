import { type Command, readsEvents, usageOf } from './command.js';
import type { Options } from './options.js';
import { syntaxOf } from './values.js';

/** The widest line of prose, for terminals that are wider and for other readers. */
const widest = 100;

/** Returns the text of --help. Wraps prose to `columns`; examples stay on one line, so that they can be copied. */
export function help(command: Command<Options>, options: Options, columns = widest): string {
  const width = Math.max(60, Math.min(columns, widest));
  const examples = command.examples.map(([line, meaning]) => `  ${line}\n      ${meaning}`).join('\n');
  const notes = notesOf(command, options, (text) => flow(text, width));
  return `${command.name}: ${command.summary}

Usage: ${`${command.name} ${usageOf(command)}`.trim()}

Examples:
${examples}

Options:
${rows(options, width)}
${notes && `\n${notes}\n`}
${flow(exitCodes, width)}
`;
}

const exitCodes = 'Exit codes: 0 success (also if the reader closes the pipe), 1 data or runtime error, 2 usage error.';

/** What an input file may be, for --help and man pages. */
const filesNote =
  "FILE may be compressed (gzip, zstd), a pattern in quotes ('out@*.zst'), or - for standard input. Several files are read in order of time. Without a file, the command reads standard input.";

/**
 * Returns a command's notes, plus the syntax of the values that its options take, and what an input file may be. In notes a
 * line break is like a space, an empty line starts a paragraph, and an indented line is a row of a list.
 */
export function notesOf(command: Command<Options>, options: Options, format = (text: string) => text): string {
  const { notes = '' } = command;
  const files = command.args ? filesNote.replace('FILE', 'The FILE of --input') : filesNote;
  const syntax = syntaxOf(Object.values(options).map(({ value }) => value));
  return [format(notes.trim()), syntax.map(format).join('\n'), readsEvents(command) ? format(files) : '']
    .filter(Boolean)
    .join('\n\n');
}

/** Wraps notes. A row of a list continues below its second column. */
function flow(notes: string, width: number): string {
  const lines: string[] = [];
  for (const line of notes.split('\n')) {
    const last = lines.at(-1);
    if (last && line && ![last, line].some((one) => one.startsWith(' '))) lines[lines.length - 1] = `${last} ${line}`;
    else lines.push(line);
  }
  const wrapped = lines.map((line) => {
    const head = /^ +\S.*? {2,}(?=\S)/.exec(line)?.[0] ?? '';
    return head + wrap(line.slice(head.length), width - head.length).join(`\n${' '.repeat(head.length)}`);
  });
  return wrapped.join('\n');
}

function rows(options: Options, columns: number): string {
  const left = Object.entries(options).map(
    ([name, { short, value }]) => `  ${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`,
  );
  const width = Math.min(30, Math.max(...left.map((text) => text.length)) + 2);
  return Object.values(options)
    .map(({ help }, row) => {
      const head = left[row] as string;
      const gap = head.length + 2 > width ? `\n${' '.repeat(width)}` : ' '.repeat(width - head.length);
      return head + gap + wrap(help, columns - width).join(`\n${' '.repeat(width)}`);
    })
    .join('\n');
}

/** Wraps a text at spaces to lines of at most `width` characters. A longer word gets a line to itself. */
export function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) as string;
    if (line.length + word.length + 1 > width && line) lines.push(word);
    else lines[lines.length - 1] = line ? `${line} ${word}` : word;
  }
  return lines;
}
