import { fstatSync, readdirSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { dist } from '../schemas/pipe/io/dist.js';
import { readersOf, scriptOf } from '../schemas/pipe/io/readers.js';

const commands = () => new Set(readdirSync(fileURLToPath(new URL('bin', dist))));

/**
 * Whether one of this project's commands reads standard output: it then shows itself what is pending. A program that started
 * the collector reads from a socket, not from a pipe, and gets the events too. Returns false if other processes cannot be
 * looked at.
 */
export function isStageReading(): boolean {
  if (fstatSync(1).isSocket()) return true;
  if (!fstatSync(1).isFIFO()) return false;
  const known = commands();
  return readersOf(readlinkSync('/proc/self/fd/1')).some((reader) => known.has(scriptOf(reader)));
}
