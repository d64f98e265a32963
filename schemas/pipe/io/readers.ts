import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** A process that reads a pipe. */
interface Reader {
  pid: string;
  /** Its command line. */
  words: readonly string[];
}

/** An upper bound for the processes in a pipeline. */
const mostProcesses = 32;

/** Returns the processes whose standard input is this pipe, as far as this process may see them. */
export function readersOf(pipe: string): Reader[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return [];
    try {
      if (readlinkSync(`/proc/${pid}/fd/0`) !== pipe) return [];
      return [{ pid, words: readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').slice(0, -1) }];
    } catch {
      return []; // it has ended, or belongs to another user
    }
  });
}

/** Returns the name of the script that a Node process runs. */
export const scriptOf = ({ words }: Reader): string => basename(words[1] ?? '');

/** Returns the names of the commands after this process in the pipeline, as far as this process may see them. */
export function commandsAfter(): string[] {
  const names: string[] = [];
  const seen = new Set<string>();
  try {
    if (!fstatSync(1).isFIFO()) return [];
    for (let pipes = [readlinkSync('/proc/self/fd/1')]; pipes.length > 0; ) {
      const readers = pipes.flatMap(readersOf).filter(({ pid }) => !seen.has(pid));
      for (const reader of readers) {
        seen.add(reader.pid);
        names.push(...commandsOf(reader));
      }
      if (seen.size > mostProcesses) break;
      pipes = readers.flatMap(({ pid }) => outputOf(pid));
    }
  } catch {
    // without /proc, no command is known
  }
  return names;
}

/** Returns the command of `enrich` or `synpipe enrich`, or each word of `synpipe run 'enrich | …'`. */
function commandsOf(reader: Reader): string[] {
  const script = scriptOf(reader);
  if (script !== 'synpipe') return [script];
  const [, , command = '', ...rest] = reader.words;
  return command === 'run' ? rest.join(' ').split(/[\s|]+/) : [command];
}

function outputOf(pid: string): string[] {
  try {
    const output = readlinkSync(`/proc/${pid}/fd/1`);
    return output.startsWith('pipe:') ? [output] : [];
  } catch {
    return [];
  }
}
