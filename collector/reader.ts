import { fstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const commands = () => new Set(readdirSync(fileURLToPath(new URL('../bin', import.meta.url))));

/**
 * Whether one of this project's commands reads standard output: it shows what is pending itself. A program that started the
 * collector reads from a socket, not from a pipe, and gets the events too. False if other processes cannot be looked at.
 */
export function isStageReading(): boolean {
  if (fstatSync(1).isSocket()) return true;
  if (!fstatSync(1).isFIFO()) return false;
  const pipe = readlinkSync('/proc/self/fd/1');
  const known = commands();
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && reads(pid, pipe) && known.has(commandOf(pid)));
}

function reads(pid: string, pipe: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/fd/0`) === pipe;
  } catch {
    return false; // it has ended, or is another user's
  }
}

/** The name of the script that a Node process runs. */
function commandOf(pid: string): string {
  try {
    return basename(readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[1] ?? '');
  } catch {
    return '';
  }
}
