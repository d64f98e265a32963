import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { folder } from './folder.js';

/** What the client reports about an attempt: the event's fields as far as it knows them, and the times. */
export interface Attempt {
  pid: number;
  tid: number;
  ppid: number;
  uid: number;
  gid: number;
  comm: string;
  pcomm: string;
  exe: string;
  netns: number;
  family: 4 | 6;
  v4mapped?: true;
  saddr?: string;
  sport?: number;
  daddr: string;
  dport: number;
  via: string;
  errno?: number;
  error?: string;
  began: number;
  ended: number;
}

/** A connection: its payload in bytes, and bounds for its duration in microseconds. */
export interface Life {
  sent: number;
  received: number;
  least: number;
  most: number;
}

export interface Said {
  attempts: Attempt[];
  /** The results of calls that make no attempt. */
  later: string[];
  /** What the event about the end of a connection must say. */
  lives?: Life[];
  /** Why this machine cannot do it. */
  unavailable?: string;
}

let built: string | undefined;

/** Returns the path of the client, which is compiled on first use. */
export function client(): string {
  if (built) return built;
  const sources = fileURLToPath(new URL('client/', import.meta.url));
  const files = readdirSync(sources).filter((file) => file.endsWith('.c'));
  const to = `${folder()}/client`;
  execFileSync('gcc', ['-O1', '-Wall', '-Wextra', '-Werror', '-pthread', '-o', to, ...files], { cwd: sources });
  built = to;
  return built;
}

const text = (hex: string) => Buffer.from(hex, 'hex').toString('utf8');

export function parse(output: string): Said {
  const said: Said = { attempts: [], later: [] };
  for (const line of output.trim().split('\n').filter(Boolean)) {
    const { then, life, unavailable, ...attempt } = JSON.parse(line);
    if (unavailable) said.unavailable = unavailable;
    else if (then) said.later.push(then);
    else if (life) {
      said.lives ??= [];
      said.lives.push(life);
    } else said.attempts.push({ ...attempt, comm: text(attempt.comm), pcomm: text(attempt.pcomm) });
  }
  return said;
}
