import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { cache } from './data.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
/** This folder. */
export const here = fileURLToPath(new URL('.', import.meta.url));
export const bin = `${root}dist/bin/`;

/** A program that passes the events whose port is from FIRST to LAST. */
export interface Tool {
  name: string;
  /** What it checks of a line. */
  checks: string;
  /** For slow programs: it gets one in this many events, and its rate is scaled. */
  part: number;
  /** Returns its command line, which reads stdin if no file is given. */
  command(first: number, last: number, file?: string): string[];
  /** Set if it handles lines in canonical form only. */
  canonicalOnly?: true;
}

function compiled(name: string): string {
  mkdirSync(cache, { recursive: true });
  const path = `${cache}/${name}`;
  execFileSync('gcc', ['-O3', '-march=native', '-o', path, `${here}${name}.c`]);
  return path;
}

export const harness = compiled('harness');
const reference = compiled('reference');

const script =
  (name: string, ...more: string[]) =>
  (first: number, last: number, file?: string) => [
    process.execPath,
    `${here}${name}`,
    String(first),
    String(last),
    ...more,
    ...(file ? [file] : []),
  ];

const all: Tool[] = [
  { name: 'synpipe filter', checks: 'all', part: 1, command: (a, b) => [`${bin}filter`, '--dport', `${a}-${b}`] },
  { name: 'C reference', checks: 'all', part: 1, command: (a, b) => [reference, String(a), String(b)] },
  {
    name: 'grep',
    checks: 'nothing',
    part: 1,
    canonicalOnly: true,
    command: (a, b) => ['env', 'LC_ALL=C', 'grep', '-F', a === b ? `"dport":${a},` : '"dport":'],
  },
  { name: 'DuckDB', checks: 'types', part: 1, canonicalOnly: true, command: script('duckdb.cjs') },
  {
    name: 'split2 + ajv',
    checks: 'all',
    part: 8,
    command: script('split2.mjs', `${root}dist/schemas/generated/validate.cjs`),
  },
  {
    name: 'jq',
    checks: 'JSON',
    part: 20,
    command: (a, b) => ['jq', '-c', `select(.dport >= ${a} and .dport <= ${b})`],
  },
  {
    name: 'gojq',
    checks: 'JSON',
    part: 20,
    command: (a, b) => ['gojq', '-c', `select(.dport >= ${a} and .dport <= ${b})`],
  },
  {
    name: 'Miller',
    checks: 'JSON',
    part: 40,
    command: (a, b) => ['mlr', '--ijsonl', '--ojsonl', 'filter', `$dport >= ${a} && $dport <= ${b}`],
  },
];

/** The programs that are installed, and why the others cannot run. */
export function tools(): { tools: Tool[]; missing: string[] } {
  const missing: string[] = [];
  const present = all.filter(({ name, command }) => {
    try {
      execFileSync('sh', ['-c', `command -v ${command(1, 1)[0]}`]);
      return true;
    } catch (error) {
      missing.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
      return false;
    }
  });
  return { tools: present, missing };
}
