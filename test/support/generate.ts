import { closeSync, openSync, writeSync } from 'node:fs';

/** Pseudo-random numbers that are the same in every run (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const comms = ['curl', 'node', 'postgres', 'java', 'DNS Resolver #1', 'sshd', 'nginx', 'python3'];
const endings = [
  ['established'],
  ['refused', 111, 'ECONNREFUSED'],
  ['timeout', 110, 'ETIMEDOUT'],
  ['unreachable', 113, 'EHOSTUNREACH'],
  ['aborted'],
] as const;
const begin = Date.UTC(2026, 10, 23, 8);

export interface Choice {
  count: number;
  seed?: number;
  /** How many remote addresses there are. There are at most this many groups by address, 8 names and 3 ports. */
  addresses?: number;
  /** Seconds from the first event to the last. */
  seconds?: number;
  type?: 'connect' | 'outcome';
  /** Whether outcomes have the time of their call, which is then the same as that of their end. */
  start?: boolean;
}

/** Events as the collector writes them, in the order of time. */
export function* generate({ count, seed = 1, addresses = 40, seconds = 60, type = 'outcome', start = false }: Choice) {
  const next = random(seed);
  const below = (limit: number) => Math.floor(next() * limit);
  for (let seq = 1; seq <= count; seq++) {
    const us = Math.floor(((seq - 1) / count) * seconds * 1e6) + below(3);
    const ts = `${new Date(begin + Math.floor(us / 1000)).toISOString().slice(0, -1)}${String(us % 1000).padStart(3, '0')}Z`;
    const to = Math.floor(next() ** 2 * addresses); // some addresses have more events than others
    const v6 = to % 5 === 4;
    const daddr = v6
      ? `2001:db8::${(to + 1).toString(16).replace(/(.+)(....)$/, '$1:$2')}`
      : `10.${to >> 16}.${(to >> 8) & 255}.${to & 255}`;
    const [result, errno, error] = endings[next() < 0.8 ? 0 : below(endings.length)] as (typeof endings)[number];
    yield JSON.stringify({
      type,
      v: 1,
      seq,
      ts,
      ...(start && { start: ts }),
      id: String(seq * 7),
      pid: 1000 + below(50),
      tid: 1000 + below(50),
      ppid: 1,
      uid: below(3) * 500,
      gid: 0,
      comm: comms[below(comms.length)],
      netns: 4026531840,
      cgroup: '1',
      family: v6 ? 6 : 4,
      saddr: v6 ? '2001:db8::a' : '192.0.2.10',
      sport: 32768 + below(28000),
      daddr,
      dport: [80, 443, 5432][below(3)],
      via: 'connect',
      ...(type === 'outcome' && { result }),
      ...(errno && { errno, error }),
      ...(type === 'outcome' && { latency_us: Math.floor(Math.exp(next() * 12)) }),
    });
  }
}

export function generateFile(path: string, choice: Choice): void {
  const fd = openSync(path, 'w');
  let text = '';
  for (const line of generate(choice)) {
    text += `${line}\n`;
    if (text.length < 1 << 20) continue;
    writeSync(fd, text);
    text = '';
  }
  writeSync(fd, text);
  closeSync(fd);
}

if (process.argv[1]?.endsWith('generate.ts')) {
  generateFile(process.argv[2] as string, JSON.parse(process.argv[3] as string));
}
