import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { root } from './shell.js';

/** All pages of the project, by path. */
export const pages = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  ...{ cwd: root, encoding: 'utf8' as const },
})
  .trim()
  .split('\n');

const read = (page: string): string => readFileSync(`${root}${page}`, 'utf8');

/** A fenced block. A comment in its first line says how to run it. */
export interface Block {
  page: string;
  /** The line where its text starts. */
  line: number;
  language: string;
  text: string;
  /** `not run`: the comment has the reason. `until Ctrl-C`: interrupted once it has printed something. */
  how: 'run' | 'until Ctrl-C' | 'not run';
}

export function blocks(page: string): Block[] {
  const text = read(page);
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(({ 1: language = '', 2: body = '', index }) => {
    const first = body.split('\n')[0] as string;
    const how = /^# not run: ./.test(first) ? 'not run' : /^# until Ctrl-C/.test(first) ? 'until Ctrl-C' : 'run';
    return { page, line: text.slice(0, index).split('\n').length + 1, language, text: body, how };
  });
}

const withoutFences = (text: string) => text.replace(/^```[\s\S]*?^```$/gm, (block) => block.replace(/[^\n]/g, ''));

/** The anchors that GitHub gives a page's headings. */
export function anchors(page: string): Set<string> {
  const headings = [...withoutFences(read(page)).matchAll(/^#+ (.*)$/gm)].map(({ 1: heading = '' }) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The targets of a page's links and pictures. */
export function links(page: string): string[] {
  const text = withoutFences(read(page)).replace(/`[^`\n]*`/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(({ 1: target = '' }) => target);
}

/** Command lines outside fences: indented ones, and those in `code`; and the ones in sessions. */
export function lines(page: string): { indented: string[]; inline: string[]; session: string[] } {
  const text = withoutFences(read(page));
  return {
    session: blocks(page)
      .filter(({ language }) => language === 'console')
      .flatMap(({ text }) => [...text.matchAll(/^\$ (.*)$/gm)].map(({ 1: line = '' }) => line)),
    indented: [...text.matchAll(/^ {4}(\S.*)$/gm)].map(({ 1: line = '' }) => line),
    inline: [...text.replace(/^ {4}\S.*$/gm, '').matchAll(/`([^`\n]+)`/g)].map(({ 1: code = '' }) =>
      code.replaceAll('\\|', '|'),
    ),
  };
}
