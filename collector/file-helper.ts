import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { RuntimeError } from '../schemas/pipe/messages/errors.js';
import { cannotWrite, type FileWriter, unfinished } from '../schemas/pipe/metrics/keep.js';

/**
 * Reads texts, each followed by an empty line, writes each to $0 and renames that to $1. Answers with an empty line, or with
 * the error. With noclobber (-C) it follows no link that somebody put at $0.
 */
const helper = `trap '' INT TERM HUP
umask 022
set -C
text=
while IFS= read -r line; do
  if [ -n "$line" ]; then text="$text$line
"; continue; fi
  error=$( { rm -f -- "$0" && printf %s "$text" > "$0" && mv -fT -- "$0" "$1"; } 2>&1 ) || rm -f -- "$0"
  printf '%s\n' "\${error%%
*}"
  text=
done`;

const codes: Readonly<Record<string, string>> = {
  'No such file or directory': 'ENOENT',
  'Directory nonexistent': 'ENOENT',
  'Not a directory': 'ENOTDIR',
  'Permission denied': 'EACCES',
  'Read-only file system': 'EROFS',
  'No space left on device': 'ENOSPC',
};

/**
 * Returns a writer for a file that keeps the rights that this process has now and soon gives up. It uses a separate process,
 * which can do nothing else and ends when this one does.
 */
export function fileHelper(path: string): FileWriter {
  const { LC_ALL: _, ...env } = process.env;
  const child = spawn('sh', ['-c', helper, unfinished(path), path], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { ...env, LC_ALL: 'C' },
  });
  child.on('error', () => {}); // write() fails then, since no answer comes
  child.stdin.on('error', () => {});
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async write(text) {
      child.stdin.write(`${text}\n`);
      const { value } = await answers.next();
      if (value === undefined)
        throw new RuntimeError(`cannot write metrics ${path}: the process that writes it has ended; start again`);
      const reason = value.replace(/^.*: /, '');
      if (reason !== '') throw cannotWrite(path, codes[reason] ? { code: codes[reason] } : new Error(reason));
    },
    close() {
      child.stdin.end();
    },
  };
}
