import { join } from 'node:path';
import { addressBytes } from './ip.js';
import { dnsName, mostNames, plainName } from './text.js';
import { Watched } from './watched.js';

/** A file's entries by key, read again when the file has changed. A file that is not there has no entries. */
export class Database<K, V> {
  entries: ReadonlyMap<K, V> = new Map();
  readonly #file: Watched;

  constructor(
    path: string,
    private readonly parse: (fields: string[], into: Map<K, V>) => void,
    private readonly separator: RegExp,
  ) {
    this.#file = new Watched([path]);
  }

  /** Looks at the file, if it is time. Returns whether it has changed. */
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

/** passwd and group: `name:x:id:…`. The first entry of an id holds. */
function named([name, , id]: string[], into: Map<number, string>): void {
  if (!name || !/^\d+$/.test(id ?? '') || into.has(Number(id))) return;
  into.set(Number(id), plainName(name));
}

/** services: `https 443/tcp alias…`. */
function service([name, port]: string[], into: Map<number, string>): void {
  const [, number] = /^(\d+)\/tcp$/.exec(port ?? '') ?? [];
  if (name && number && !into.has(Number(number))) into.set(Number(number), plainName(name));
}

/** hosts: `192.0.2.7 name alias…`, by the address in the form that events have it. Lines of one address add up. */
function host([address, ...names]: string[], into: Map<string, string[]>): void {
  const bytes = addressBytes(address ?? '');
  if (!bytes) return;
  const key = bytes.join();
  const all = [...(into.get(key) ?? []), ...names.flatMap((name) => dnsName(name, true) ?? [])];
  if (all.length > 0) into.set(key, [...new Set(all)].slice(0, mostNames + 1)); // one more: not all are listed
}

/** The databases in a folder like /etc. */
export function databases(folder: string) {
  return {
    hosts: new Database(join(folder, 'hosts'), host, /\s+/),
    passwd: new Database(join(folder, 'passwd'), named, /:/),
    group: new Database(join(folder, 'group'), named, /:/),
    services: new Database(join(folder, 'services'), service, /\s+/),
  };
}
