import { join } from 'node:path';
import { addressBytes } from './ip.js';
import { dnsName, maxNames, plainName } from './text.js';
import { WatchedFile } from './watched.js';

/** The entries of a file by key. The file is read again when it changes. A missing file has no entries. */
export class Database<K, V> {
  entries: ReadonlyMap<K, V> = new Map();
  readonly #file: WatchedFile;

  constructor(
    path: string,
    private readonly parse: (fields: string[], into: Map<K, V>) => void,
    private readonly separator: RegExp,
  ) {
    this.#file = new WatchedFile([path]);
  }

  /** Checks the file, if the last check is long enough ago. Returns whether it has changed. */
  check(now: number): boolean {
    const text = this.#file.changed(now);
    if (text === undefined) return false;
    const entries = new Map<K, V>();
    for (const line of text.split('\n')) {
      const fields = line.replace(/#.*/, '').trim().split(this.separator);
      if (fields.length > 1) this.parse(fields, entries);
    }
    this.entries = entries;
    return true;
  }
}

/** Parses a line of passwd or group: `name:x:id:…`. The first entry of an ID wins. */
function named([name, , id]: string[], into: Map<number, string>): void {
  if (!name || !/^\d+$/.test(id ?? '') || into.has(Number(id))) return;
  into.set(Number(id), plainName(name));
}

/** Parses a line of services: `https 443/tcp alias…`. */
function service([name, port]: string[], into: Map<number, string>): void {
  const [, number] = /^(\d+)\/tcp$/.exec(port ?? '') ?? [];
  if (name && number && !into.has(Number(number))) into.set(Number(number), plainName(name));
}

/** Parses a line of hosts: `192.0.2.7 name alias…`. The key is the address's bytes. Several lines of an address add up. */
function host([address, ...names]: string[], into: Map<string, string[]>): void {
  const bytes = addressBytes(address ?? '');
  if (!bytes) return;
  const key = bytes.join();
  const all = [...(into.get(key) ?? []), ...names.flatMap((name) => dnsName(name, true) ?? [])];
  if (all.length > 0) into.set(key, [...new Set(all)].slice(0, maxNames + 1)); // one more than is listed: sets names_cut
}

/** Opens the databases in /etc, or in the folder that stands for it. */
export function databases(folder: string) {
  return {
    hosts: new Database(join(folder, 'hosts'), host, /\s+/),
    passwd: new Database(join(folder, 'passwd'), named, /:/),
    group: new Database(join(folder, 'group'), named, /:/),
    services: new Database(join(folder, 'services'), service, /\s+/),
  };
}
