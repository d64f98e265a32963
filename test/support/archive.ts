/**
 * Reads and writes archives: several small files in one text file, after Go's txtar. A line `-- NAME --` starts each file.
 * What plain lines cannot hold exactly is marked after the name: `-- input (base64) --`. test/cases/README.md lists the marks.
 */
import { isUtf8 } from 'node:buffer';

/** The contents of files by name, in the order of the archive. A name may contain slashes. */
export type Archive = Map<string, Buffer>;

const marks = '(?:base64|quoted|no newline at end)';
const header = new RegExp(`^-- ([^\\s()]+)(?: \\((${marks}(?:, ${marks})*)\\))? --$`);

/** Throws an Error with the line number if this is not an archive. */
export function parseArchive(bytes: Buffer): Archive {
  if (!isUtf8(bytes)) throw new Error('not UTF-8; use (base64)');
  const archive: Archive = new Map();
  const lines = bytes.toString().split('\n');
  if (lines.pop() !== '') throw new Error('the last line has no newline');
  let at = 0;
  while (at < lines.length) {
    const [, name, marked = ''] = header.exec(lines[at] as string) ?? [];
    if (name === undefined) throw new Error(`line ${at + 1}: expected "-- NAME --", found "${lines[at]}"`);
    if (archive.has(name)) throw new Error(`line ${at + 1}: "${name}" appears twice`);
    const start = ++at;
    while (at < lines.length && !header.test(lines[at] as string)) at++;
    archive.set(name, decode(lines.slice(start, at), marked.split(', '), start));
  }
  return archive;
}

function decode(lines: string[], marked: string[], line: number): Buffer {
  if (marked.includes('base64')) return Buffer.from(lines.join(''), 'base64');
  const quoted = marked.includes('quoted');
  if (quoted && !lines.every((line) => line.startsWith('>')))
    throw new Error(`line ${line}: a line of this quoted file does not start with ">"`);
  const text = lines.map((line) => `${quoted ? line.slice(1) : line}\n`).join('');
  return Buffer.from(marked.includes('no newline at end') ? text.slice(0, -1) : text);
}

/** Returns the archive from which `parseArchive` makes these files again, byte for byte. */
export function formatArchive(archive: Archive): Buffer {
  return Buffer.from([...archive].map(([name, content]) => encode(name, content)).join(''));
}

function encode(name: string, content: Buffer): string {
  if (content.includes(0) || !isUtf8(content))
    return `-- ${name} (base64) --\n${content.toString('base64').replace(/.{1,120}/g, '$&\n')}`;
  const lines = content.toString().split('\n');
  const marked: string[] = [];
  const quoted = lines.some((line) => header.test(line));
  if (quoted) marked.push('quoted');
  if (lines.at(-1) === '') lines.pop();
  else marked.push('no newline at end');
  const body = lines.map((line) => `${quoted ? '>' : ''}${line}\n`).join('');
  return `-- ${name}${marked.length > 0 ? ` (${marked.join(', ')})` : ''} --\n${body}`;
}
