import type { Command } from './command.js';
import type { Options } from './options.js';
import { timeSyntax } from './units.js';

/** Returns the text of --help. */
export function help(command: Command<Options>, options: Options): string {
  const examples = command.examples.map(([line, meaning]) => `  ${line}\n      ${meaning}`).join('\n');
  const notes = notesOf(command, options);
  return `${command.name}: ${command.summary}

Usage: ${`${command.name} ${command.usage}`.trim()}

Examples:
${examples}

Options:
${rows(options)}
${notes && `\n${notes}\n`}
Exit codes: 0 success (also if the reader closes the pipe), 1 data or runtime error, 2 usage error.
`;
}

/** Returns a command's notes, plus the syntax of TIME if one of its options takes a TIME. */
export function notesOf({ notes = '' }: Command<Options>, options: Options): string {
  const takesTime = Object.values(options).some(({ value }) => value === 'TIME');
  return [notes.trim(), takesTime ? wrap(timeSyntax, 120).join('\n') : ''].filter(Boolean).join('\n\n');
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
