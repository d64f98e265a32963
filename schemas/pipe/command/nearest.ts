/** Returns `did you mean …?` if the word resembles one of these names or is a part of one, else undefined. */
export function nearest(word: string, names: string[], prefix = ''): string | undefined {
  const found = nearestName(word, names);
  return found && `did you mean ${prefix}${found}?`;
}

/** Words that users may write for a field. */
const synonyms: Readonly<Record<string, string>> = {
  process: 'pcomm',
  proc: 'pcomm',
  program: 'pcomm',
  command: 'comm',
  thread: 'comm',
  path: 'exe',
  username: 'user',
  port: 'dport',
  dst_port: 'dport',
  src_port: 'sport',
  ip: 'daddr',
  addr: 'daddr',
  address: 'daddr',
  dst: 'dest',
  destination: 'dest',
  src: 'saddr',
  source: 'saddr',
  domain: 'name',
  hostname: 'name',
  time: 'ts',
  timestamp: 'ts',
  status: 'result',
  bytes: 'bytes_sent',
};

/** Returns the same for the name of a field, which a user may also call by a common word, such as process for pcomm. */
export function nearestField(word: string, fields: readonly string[]): string | undefined {
  const words = Object.keys(synonyms).filter((one) => fields.includes(synonyms[one] as string));
  const near = words.find((one) => one === word.toLowerCase()) ?? nearestName(word, [...fields, ...words]);
  return near && `did you mean ${fields.includes(near) ? near : synonyms[near]}?`;
}

/** Returns the name that resembles the word most, or of which it is a part; undefined if there is none. */
export function nearestName(word: string, names: readonly string[]): string | undefined {
  if (word.length < 2 || names.length === 0) return undefined;
  const most = Math.max(1, Math.round(word.length * 0.4));
  let [best, least]: [string | undefined, number] = [undefined, most + 1];
  for (const name of names) {
    const edits = Math.abs(name.length - word.length) < least ? distance(word, name) : least;
    if (edits < least) [best, least] = [name, edits];
  }
  return best ?? names.find((name) => partOf(name, word) || partOf(word, name));
}

/** Whether a name of several words, such as `latency-over`, starts or ends with the word `part`. */
const partOf = (name: string, part: string) => name.startsWith(`${part}-`) || name.endsWith(`-${part}`);

/** Returns how many letters to insert, delete, replace or swap with the next one to make one word into the other. */
function distance(a: string, b: string): number {
  let [before, last]: [number[], number[]] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let edits = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        edits = Math.min(edits, (before[j - 2] as number) + 1);
      row.push(edits);
    }
    [before, last] = [last, row];
  }
  return last[b.length] as number;
}
