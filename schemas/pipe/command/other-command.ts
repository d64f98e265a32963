import { readFileSync } from 'node:fs';
import { dist } from '../io/dist.js';
import type { Command } from './command.js';
import type { Options } from './options.js';

/** Commands that come first in a suggestion, the most likely one first. */
const preferred = ['filter', 'aggregate', 'collector', 'enrich'];

/** Returns how to use another command that has an option of this name; undefined if there is none. */
export function otherCommand({ name, source, run }: Command<Options>, option: string): string | undefined {
  const known = optionNames();
  const rank = (one: string) => (preferred.includes(one) ? preferred.indexOf(one) : preferred.length);
  const [other] = Object.keys(known)
    .filter((one) => one !== name && known[one]?.includes(option))
    .sort((a, b) => rank(a) - rank(b));
  if (other === undefined) return undefined;
  if (name === 'synpipe') return `${other} has --${option}: synpipe ${other} --${option} …`;
  const isView = source !== undefined && name.startsWith('synpipe ');
  if (isView && other !== 'collector') return `${other} has --${option}: collector | ${other} --${option} … | ${name}`;
  const isFirst = (source !== undefined && !isView) || run !== undefined || other.startsWith('sink-');
  const line = isFirst ? `${name} | ${other} --${option} …` : `${other} --${option} … | ${name}`;
  return `${other} has --${option}: ${line}`;
}

/** Returns the options of each command that reads or writes events, as the build has found them. */
function optionNames(): Record<string, string[]> {
  try {
    return JSON.parse(readFileSync(new URL('completions/options.json', dist), 'utf8'));
  } catch {
    return {}; // not built
  }
}
