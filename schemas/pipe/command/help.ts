import { type Command, readsEvents, usageOf } from './command.js';
import type { Options } from './options.js';
import { syntaxOf } from './values.js';

/** Returns the text of --help. */
export function help(command: Command<Options>, options: Options): string {
  const examples = command.examples.map(([line, meaning]) => `  ${line}\n      ${meaning}`).join('\n');
  const notes = notesOf(command, options);
  return `${command.name}: ${command.summary}

Usage: ${`${command.name} ${usageOf(command)}`.trim()}

Examples:
${examples}

Options:
${rows(options)}
${notes && `\n${notes}\n`}
Exit codes: 0 success (also if the reader closes the pipe), 1 data or runtime error, 2 usage error.
`;
}

/** What an input file may be, for --help and man pages. */
const filesNote =
  "FILE may be compressed (gzip, zstd), a pattern in quotes ('out@*.zst'), or - for standard input. Several files are read in order of time. Without a file, the command reads standard input.";

/** Returns a command's notes, plus the syntax of the values that its options take, and what an input file may be. */
export function notesOf(command: Command<Options>, options: Options): string {
  const { notes = '' } = command;
  const files = readsEvents(command)
    ? wrap(command.args ? filesNote.replace('FILE', 'The FILE of --input') : filesNote, 120).join('\n')
    : '';
  const syntax = syntaxOf(Object.values(options).map(({ value }) => value));
  return [notes.trim(), syntax.flatMap((one) => wrap(one, 120)).join('\n'), files].filter(Boolean).join('\n\n');
}

function rows(options: Options): string {
  const left = Object.entries(options).map(
    ([name, { short, value }]) => `  ${short ? `-${short}, ` : '    '}--${name}${value ? ` ${value}` : ''}`,
  );
  const width = Math.min(30, Math.max(...left.map((text) => text.length)) + 2);
  return Object.values(options)
    .map(({ help }, row) => {
      const head = left[row] as string;
      const gap = head.length + 2 > width ? `\n${' '.repeat(width)}` : ' '.repeat(width - head.length);
      return head + gap + wrap(help, 100 - width).join(`\n${' '.repeat(width)}`);
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
