/** A small seeded pseudo-random generator, so that every run can be repeated. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 to n - 1. */
  below(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % n;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

const bytes = (...codes: number[]) => String.fromCharCode(...codes);

/** Inputs that JSON readers disagree on, as bytes (latin1). */
const oddities = [
  ...[
    '\\u0041',
    '\\u001f',
    '\\u007f',
    '\\u009f',
    '\\u00a0',
    '\\u2028',
    '\\ud800',
    '\\udc00',
    '\\ud83d\\ude00',
    '\\ude00\\ud83d',
  ],
  ...[
    '\\u000a',
    '\\u001F',
    '\\u00',
    '\\u',
    '\\x41',
    '\\/',
    '\\"',
    '\\\\',
    '\\b',
    '\\f',
    '\\n',
    '\\r',
    '\\t',
    '\\v',
    '\\a',
    '\\',
  ],
  ...['-0', '-1', '0', '00', '01', '1e3', '1E3', '1e400', '1.0', '1.', '.5', '+1', '0x10', 'Infinity', 'NaN'],
  ...['65535', '65536', '65534', '4294967295', '4294967296', '4294967297', '9007199254740991', '9007199254740992'],
  ...[
    '9007199254740993',
    '18446744073709551616',
    '4095',
    '4096',
    '255',
    '256',
    '99999999999999999999999999999999999999',
  ],
  ...['true', 'false', 'null', '[]', '{}', '""', '[[[]]]', '["a","b"]', '["a",]', '{"a":1}', '{"a":{"b":[1,"x"]}}'],
  ...[',', ',,', ':', '"', '{', '}', '[', ']', ' ', '\t', '\r', '  ', '\f', '\v', '\b', "'", '#', '//'],
  ...[
    '"type":"connect",',
    '"type":"pending",',
    '"type":"x",',
    '"v":1,',
    '"v":2,',
    '"dport":443',
    ',"dport":443',
    ',"x":1',
    ',"__proto__":{}',
  ],
  ...[',"constructor":1', ',"\\u0074ype":"x"', ',"":0', ',"errno":111', ',"error":"EX"', ',"pid":1', ',"comm":"x"'],
  ...[',"result":"pending"', ',"waited_us":1', ',"existing":true', ',"icmp":"x"', ',"icmp_from":"::1"'],
  ...[
    '0.0.0.0',
    '255.255.255.255',
    '256.1.1.1',
    '01.2.3.4',
    '1.2.3',
    '1.2.3.4.5',
    '::',
    '::1',
    '1::',
    '::ffff:1.2.3.4',
  ],
  ...[
    '1:2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7::',
    '::2:3:4:5:6:7:8',
    '1:2:3:4:5:6:7:8:9',
    '::1%eth0',
    '1::2::3',
    ':1:2:3:4:5:6:7',
    'ABCD::abcd',
    'g::1',
    '12345::',
  ],
  ...[
    '2026-02-30T24:00:00.000000Z',
    '2026-13-01T00:00:00.000000Z',
    '0000-01-01T00:00:00.000000Z',
    '2026-11-23T08:15:60.123456Z',
  ],
  bytes(0),
  bytes(0x1f),
  bytes(0x7f),
  bytes(0x80),
  bytes(0xff),
  bytes(0xc0, 0x80),
  bytes(0xc1, 0xbf),
  bytes(0xc2, 0x80),
  bytes(0xc2, 0x9f),
  bytes(0xc2, 0xa0),
  bytes(0xc3, 0xa9),
  bytes(0xc3),
  bytes(0xe0, 0x80, 0x80),
  bytes(0xe0, 0x9f, 0xbf),
  bytes(0xe0, 0xa0, 0x80),
  bytes(0xe2, 0x82, 0xac),
  bytes(0xe2, 0x82),
  bytes(0xe2, 0x80, 0xa8),
  bytes(0xed, 0x9f, 0xbf),
  bytes(0xed, 0xa0, 0x80),
  bytes(0xed, 0xbf, 0xbf),
  bytes(0xee, 0x80, 0x80),
  bytes(0xef, 0xbb, 0xbf),
  bytes(0xef, 0xbf, 0xbd),
  bytes(0xf0, 0x80, 0x80, 0x80),
  bytes(0xf0, 0x8f, 0xbf, 0xbf),
  bytes(0xf0, 0x90, 0x80, 0x80),
  bytes(0xf0, 0x9f, 0x98, 0x80),
  bytes(0xf0, 0x9f, 0x98),
  bytes(0xf4, 0x8f, 0xbf, 0xbf),
  bytes(0xf4, 0x90, 0x80, 0x80),
  bytes(0xf5, 0x80, 0x80, 0x80),
];

type Mutation = (text: string, random: Random, corpus: readonly string[]) => string;

const splice = (text: string, from: number, to: number, by: string) => text.slice(0, from) + by + text.slice(to);

/** Where the interesting parts of a line start: strings, numbers, names. */
const tokens = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[a-z]+|[{}[\],:]/g;

function token(text: string, random: Random): [from: number, to: number] {
  const at = random.below(text.length + 1);
  tokens.lastIndex = at;
  const found = tokens.exec(text);
  return found ? [found.index, found.index + found[0].length] : [at, at];
}

const mutations: Mutation[] = [
  (text, random) => splice(text, ...range(text, random, 1), bytes(random.below(256))),
  (text, random) => splice(text, ...range(text, random, 1), bytes(32 + random.below(95))),
  (text, random) => splice(text, ...range(text, random, 0), bytes(random.below(256))),
  (text, random) => splice(text, ...range(text, random, 1 + random.below(3)), ''),
  (text, random) => splice(text, ...range(text, random, 0), random.of(oddities)),
  (text, random) => splice(text, ...token(text, random), random.of(oddities)),
  (text, random) => splice(text, ...token(text, random), `"${random.of(oddities)}"`),
  (text, random) => {
    const [from, to] = token(text, random); // into the middle of a string
    const at = from + 1 + random.below(Math.max(1, to - from - 1));
    return splice(text, at, at, random.of(oddities));
  },
  (text, random) => {
    const [from, to] = token(text, random); // a number off by one, or with one more digit
    const number = Number(text.slice(from, to));
    return splice(
      text,
      from,
      to,
      Number.isInteger(number) ? String(number + random.below(3) - 1) : `${random.below(1e9)}`,
    );
  },
  (text, random) => {
    const [from, to] = token(text, random);
    return splice(text, from, from, text.slice(from, to));
  },
  (text, random) => {
    const [a, b] = [token(text, random), token(text, random)].sort((x, y) => x[0] - y[0]) as [
      [number, number],
      [number, number],
    ];
    if (a[1] > b[0]) return text;
    return text.slice(0, a[0]) + text.slice(...b) + text.slice(a[1], b[0]) + text.slice(...a) + text.slice(b[1]);
  },
  (text, random, corpus) => {
    const other = random.of(corpus);
    return text.slice(0, random.below(text.length + 1)) + other.slice(random.below(other.length + 1));
  },
  (text, random) => text.slice(0, random.below(text.length + 1)),
  (text, random) => text + random.of(oddities),
  (text, random) => random.of(oddities) + text,
  (text, random) => members(text, (all) => all.filter((_, at) => at !== random.below(all.length) || at < 2)),
  (text, random) => members(text, (all) => [...all, random.of(all)]),
  (text, random) => members(text, (all) => [...all.slice(0, 1), ...shuffled(all.slice(1), random)]),
  (text, random) => text.replaceAll(':', random.of([' :', ': ', ':\t'])).replaceAll(',', random.of([', ', ' ,'])),
  (text, random) => members(text, (all) => [...all, `"x${random.below(100)}":${random.of(oddities)}`]),
  innerMembers,
];

function range(text: string, random: Random, length: number): [number, number] {
  const at = random.below(text.length + 1);
  return [at, at + length];
}

/** Changes the top-level members of a line, if it is still an object. */
function members(text: string, change: (members: string[]) => string[]): string {
  const all = split(text);
  return all.length > 2 ? `{${change([...all]).join(',')}}` : text;
}

/** Repeats, moves or drops a member of an object without objects inside a line. */
function innerMembers(text: string, random: Random): string {
  const found = [...text.matchAll(/(?<=:)\{"[^{}]*\}/g)];
  if (found.length === 0) return text;
  const { 0: inner, index } = random.of(found);
  const all = split(inner);
  if (all.length === 0) return text;
  const changed = random.of([[...all, random.of(all)], shuffled([...all], random), all.slice(1)]);
  return splice(text, index, index + inner.length, `{${changed.join(',')}}`);
}

const known = new Map<string, string[]>();

/** The members of an object, each with its key. Cached for lines of the corpus. */
function split(text: string): string[] {
  const before = known.get(text);
  if (before) return before;
  let all: string[] = [];
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event === 'object' && event !== null)
      all = Object.entries(event).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  } catch {}
  if (known.size < 2000) known.set(text, all);
  return all;
}

function shuffled<T>(list: T[], random: Random): T[] {
  const from = random.below(list.length);
  const to = random.below(list.length);
  const [moved] = list.splice(from, 1);
  list.splice(to, 0, moved as T);
  return list;
}

/** Returns a line of the corpus with a few changes, its bytes as latin1, without a newline. */
export function mutant(corpus: readonly string[], random: Random): string {
  let text = random.of(corpus);
  for (let changes = random.of([0, 1, 1, 1, 1, 2, 2, 3]); changes > 0; changes--)
    text = random.of(mutations)(text, random, corpus);
  return text.replaceAll('\n', random.of(['', ' ', '\r', '\\n']));
}
