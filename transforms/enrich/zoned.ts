import { LRUCache } from 'lru-cache';
import { attemptTypes } from '../../schemas/attempts.js';
import { kinds } from '../../schemas/generated/kinds.js';
import type { Line } from '../../schemas/pipe/line/line.js';
import { openGeo } from './geo.js';
import { addressBytes } from './ip.js';
import { member } from './text.js';
import { type Fields, readZones } from './zones.js';

const taken = new Set(kinds.filter(({ type }) => attemptTypes.includes(type)).flatMap(({ fields }) => fields));

/** The fields that maps and databases give to addresses. */
export class Zoned {
  #find: (address: string) => readonly (readonly [field: string, text: string])[];

  constructor(
    private readonly map: string | undefined,
    private readonly mmdb: readonly string[],
    private readonly cache: number,
  ) {
    this.#find = this.#read();
  }

  /** Reads the files again. Throws, and goes on as before, where one is bad. */
  reopen(): void {
    this.#find = this.#read();
  }

  /** The fields for a line: one that the event has stays as it is. */
  text(line: Line): { text: string; fields: string[] } {
    const all = this.#find(line.field('daddr') as string);
    const missing = all.filter(([field]) => line.field(field) === undefined);
    return { text: missing.map(([, text]) => text).join(''), fields: all.map(([field]) => field) };
  }

  #read() {
    const zones = this.map === undefined ? undefined : readZones(this.map, taken);
    const geo = this.mmdb.map(openGeo);
    const found = new LRUCache<string, [string, string][]>({ max: this.cache });
    return (address: string) => {
      let pairs = found.get(address);
      if (!pairs) {
        const all: Fields = Object.assign({}, ...geo.map((get) => get(address)));
        Object.assign(all, zones?.find(addressBytes(address) as Uint8Array)); // the operator knows better
        pairs = Object.entries(all).map(([field, value]) => [field, member(field, value)]);
        found.set(address, pairs);
      }
      return pairs;
    };
  }
}
