import type { Entry } from './model.js';

/** Escapes text for roff: no line of it is a request, and characters that a reader may copy stay ASCII. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replace(/[-'`^~]/g, (c) => ({ '-': '\\-', "'": '\\(aq', '`': '\\(ga', '^': '\\(ha', '~': '\\(ti' })[c] as string)
    .replace(/^\./gm, '\\&.');
}

const bold = (text: string) => `\\fB${roff(text)}\\fR`;
const italic = (text: string) => `\\fI${roff(text)}\\fR`;
const literal = (lines: string[]) => ['.nf', ...lines.map(roff), '.fi'];

/** Returns the notes of a command as roff: paragraphs are filled, indented lines stay as they are. */
function notes(text: string): string[] {
  return text.split('\n\n').flatMap((block) => {
    const out = ['.PP'];
    const flowing: string[] = [];
    const flush = () => {
      if (flowing.length > 0) out.push(roff(flowing.splice(0).join(' ')));
    };
    const lines = block.split('\n');
    for (const [at, line] of lines.entries()) {
      if (!line.startsWith('  ')) flowing.push(line);
      else {
        flush();
        if (!lines[at - 1]?.startsWith('  ')) out.push('.RS 2', '.nf');
        out.push(roff(line.slice(2)));
        if (!lines[at + 1]?.startsWith('  ')) out.push('.fi', '.RE');
      }
    }
    flush();
    return out;
  });
}

/** Returns the man page of a command, in man(7) format. */
export function man(command: Entry, version: string, date: string, all: readonly Entry[]): string {
  const { name, summary, usage, rows, examples } = command;
  const page = name.replace(' ', '-');
  const others = all.map((one) => one.name.replace(' ', '-')).filter((one) => one !== page);
  const lines = [
    `.TH ${page.toUpperCase()} 1 ${date} "synpipe ${version}" "synpipe"`,
    '.SH NAME',
    `${roff(page)} \\- ${roff(summary)}`,
    '.SH SYNOPSIS',
    `${bold(name)} ${roff(usage)}`.trim(),
    ...(command.notes === '' ? [] : ['.SH DESCRIPTION', ...notes(command.notes).slice(1)]),
    '.SH OPTIONS',
    ...rows.flatMap(({ short, name, value, help }) => [
      '.TP',
      `${short ? `${bold(`-${short}`)}, ` : ''}${bold(`--${name}`)}${value ? ` ${italic(value)}` : ''}`,
      roff(help),
    ]),
    '.SH EXAMPLES',
    ...examples.flatMap(([line, meaning]) => ['.TP', roff(meaning), ...literal([line])]),
    '.SH EXIT STATUS',
    ...[
      ['0', 'Success, also if the reader closed the pipe.'],
      ['1', 'Data or runtime error.'],
      ['2', 'Usage error.'],
    ].flatMap(([code, meaning]) => ['.TP', bold(code as string), meaning as string]),
    '.SH SEE ALSO',
    ...others.map((one, at) => `.BR ${roff(one)} (1)${at < others.length - 1 ? ' ,' : ''}`),
  ];
  return `${lines.join('\n')}\n`;
}
