import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, statSync, writeSync } from 'node:fs';

export const cache = '/tmp/synpipe-bench';

/** A file of events: the same arguments give the same file. */
export interface Data {
  path: string;
  events: number;
  bytes: number;
  /** How many events have a port from FIRST to LAST, according to jq: of all events, or of the first `of`. */
  jq(first: number, last: number, of?: number): number;
}

/** Writes the first `events` of an endless series, this share of them not in canonical form. Kept in /tmp. */
export function data(events: number, share: number): Data {
  mkdirSync(cache, { recursive: true });
  const path = `${cache}/events-${events}-${share}.ndjson`;
  if (!existsSync(path)) {
    write(`${path}.tmp`, events, share);
    renameSync(`${path}.tmp`, path);
  }
  let all: number[] | undefined;
  return {
    path,
    events,
    bytes: statSync(path).size,
    jq(first, last, of = events) {
      all ??= ports(path);
      let count = 0;
      for (let at = 0; at < of; at++) if ((all[at] as number) >= first && (all[at] as number) <= last) count++;
      return count;
    },
  };
}

/** The port of every line, according to jq; cached beside the data. */
function ports(path: string): number[] {
  const kept = `${path}.jq`;
  if (!existsSync(kept)) {
    const line = `jq .dport < '${path}' > '${kept}.tmp' && mv '${kept}.tmp' '${kept}'`;
    execFileSync('sh', ['-c', line], { stdio: 'inherit' });
  }
  return readFileSync(kept, 'utf8').trimEnd().split('\n').map(Number);
}

function write(path: string, events: number, share: number): void {
  const fd = openSync(path, 'w');
  const random = randomFrom(20261123);
  let text = '';
  for (let seq = 1; seq <= events; seq++) {
    const event = eventOf(seq, random);
    text += `${random() < share ? otherForm(event, random) : JSON.stringify(event)}\n`;
    if (text.length > 1 << 20 || seq === events) {
      writeSync(fd, text);
      text = '';
    }
  }
  closeSync(fd);
}

/** Mulberry32: pseudo-random numbers from 0 to 1. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const comms = [
  'curl',
  'node',
  'sshd',
  'postgres',
  'python3',
  'DNS Resolver #1',
  'kworker/u8:2',
  'java',
  'chrome',
  'git',
];
const odd = ['tab\there', 'say "hi"', 'back\\slash', 'münchen', 'дом', '日本語', '😀 face', 'bell\x07', '\x1b[31mred'];

/** An event as the collector writes it: 30 % go to port 443, 1 % to 8443, a third use IPv6, 5 % failed, 3 % have an odd name. */
function eventOf(seq: number, random: () => number): Record<string, unknown> {
  const int = (most: number) => Math.floor(random() * most);
  const pick = <T>(list: T[]) => list[int(list.length)] as T;
  const six = random() < 1 / 3;
  const hex = () => int(65536).toString(16);
  const address = six ? () => `2001:db8:${hex()}::${hex()}` : () => `10.${int(256)}.${int(256)}.${int(256)}`;
  const comm = random() < 0.03 ? pick(odd) : pick(comms);
  const chance = random();
  const dport =
    chance < 0.3 ? 443 : chance < 0.31 ? 8443 : pick([22, 53, 80, 5432, 6379, 1024 + int(7000), 9000 + int(50000)]);
  const pid = 300 + int(30000);
  const micros = seq * 37;
  const ts = new Date(Date.UTC(2026, 10, 23, 8) + Math.floor(micros / 1000)).toISOString().slice(0, -1);
  return {
    type: 'connect',
    v: 1,
    seq,
    ts: `${ts}${String(micros % 1000).padStart(3, '0')}Z`,
    id: String(9231281111055426561n + BigInt(seq)),
    pid,
    tid: pid + int(20),
    ppid: 1 + int(pid),
    uid: pick([0, 33, 1000, 1001]),
    gid: 1000,
    comm,
    pcomm: comm,
    exe: `/usr/bin/${pick(comms).split(' ')[0]}`,
    netns: 4026531840 + int(40),
    cgroup: String(5000 + int(300)),
    family: six ? 6 : 4,
    saddr: address(),
    sport: 32768 + int(28000),
    daddr: address(),
    dport,
    via: 'connect',
    ...(random() < 0.05
      ? pick([
          { errno: 111, error: 'ECONNREFUSED' },
          { errno: 110, error: 'ETIMEDOUT' },
        ])
      : {}),
  };
}

/** The same event as other tools might write it. */
function otherForm(event: Record<string, unknown>, random: () => number): string {
  const text = JSON.stringify(event);
  switch (Math.floor(random() * 6)) {
    case 0:
      return text.replace(/"(\w+)":/g, '"$1": ').replaceAll(',"', ', "');
    case 1:
      return JSON.stringify(Object.fromEntries(Object.entries(event).reverse()));
    case 2:
      return JSON.stringify({ team: { name: 'web', tags: ['a', null] }, ...event });
    case 3:
      return text.replace(/"comm":"(.)/, (all, first: string) =>
        /\w/.test(first) ? `"comm":"\\u${first.charCodeAt(0).toString(16).padStart(4, '0')}` : all,
      );
    case 4:
      return text.replace(/"dport":(\d+)/, '"dport":$1.0');
    default:
      return `${text}\r`;
  }
}
