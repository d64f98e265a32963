import { LRUCache } from 'lru-cache';
import { attemptTypes } from '../../schemas/attempts.js';
import { kinds } from '../../schemas/generated/kinds.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { openGeo } from './geo.js';
import { addressBytes } from './ip.js';
import { type Fields, readNetworkMap } from './network-map.js';
import { member } from './text.js';

const taken = new Set(kinds.filter(({ type }) => attemptTypes.includes(type)).flatMap(({ fields }) => fields));

/** The fields of addresses from --map and --mmdb. */
export class MapFields {
  #find: (address: string) => readonly (readonly [field: string, text: string])[];

  constructor(
    private readonly map: string | undefined,
    private readonly mmdb: readonly string[],
    private readonly cache: number,
  ) {
    this.#find = this.#read();
  }

  /** Reads the files again. If one is invalid, throws and keeps using the old contents. */
  reopen(): void {
    this.#find = this.#read();
  }

  /** Returns the fields for a line as text, without those that it already has, and the names of all fields. */
  text(line: Line): { text: string; fields: string[] } {
    const all = this.#find(line.field('daddr') as string);
    const missing = all.filter(([field]) => line.field(field) === undefined);
    return { text: missing.map(([, text]) => text).join(''), fields: all.map(([field]) => field) };
  }

  #read() {
    const networks = this.map === undefined ? undefined : readNetworkMap(this.map, taken);
    const geo = this.mmdb.map(openGeo);
    const found = new LRUCache<string, [string, string][]>({ max: this.cache });
    return (address: string) => {
      let pairs = found.get(address);
      if (!pairs) {
        const all: Fields = Object.assign({}, ...geo.map((get) => get(address)));
        Object.assign(all, networks?.find(addressBytes(address) as Uint8Array)); // --map takes precedence
        pairs = Object.entries(all).map(([field, value]) => [field, member(field, value)]);
        found.set(address, pairs);
      }
      return pairs;
    };
  }
}
