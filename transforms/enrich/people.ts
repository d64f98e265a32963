import type { Line } from '../../schemas/pipe/line.js';
import { type Who, who } from './cgroup.js';
import type { Cgroups } from './cgroups.js';
import type { Database } from './databases.js';
import { member, plainName } from './text.js';

export const groups = ['names', 'service', 'user', 'group', 'unit', 'container', 'host'] as const;
export type Group = (typeof groups)[number];

export interface Sources {
  passwd: Database<number, string>;
  group: Database<number, string>;
  services: Database<number, string>;
  cgroups: Cgroups;
  host: string;
}

/** What a key stands for, as fields. */
type Give = (key: unknown) => string;
type Row = readonly [field: string, group: Group, of: string, give: Give];

const mostKept = 10_000;

/** Remembers what `give` made of a key, while that stays right: `forget()` when it is not. */
function remembered(give: Give): Give & { forget(): void } {
  const kept = new Map<unknown, string>();
  const call = (key: unknown) => {
    let text = kept.get(key);
    if (text === undefined) {
      text = give(key);
      if (kept.size >= mostKept) kept.clear();
      if (text !== '') kept.set(key, text); // what is not known now may be later
    }
    return text;
  };
  return Object.assign(call, { forget: () => kept.clear() });
}

/** The fields of an attempt that this machine's own files and cgroups give: who, and which service. */
export class People {
  readonly #rows: readonly Row[];
  /** The last line has a cgroup that is not known, and may be later. */
  unknown = false;
  readonly #databases: readonly (readonly [Database<number, string>, { forget(): void }])[];

  constructor(wanted: ReadonlySet<Group>, { passwd, group, services, cgroups, host }: Sources) {
    const from = (field: string, database: Database<number, string>) =>
      remembered((key) => {
        const name = database.entries.get(key as number);
        return name === undefined ? '' : member(field, name);
      });
    const [service, user, ofGroup] = [from('service', services), from('user', passwd), from('group', group)];
    const known = new Map<string, Who>();
    const inCgroup =
      (field: keyof Who): Give =>
      (key) => {
        const id = key as string;
        let one = known.get(id);
        const path = one ? undefined : cgroups.path(id);
        this.unknown ||= one === undefined && path === undefined;
        if (path !== undefined) {
          one = who(path);
          if (known.size >= mostKept) known.clear();
          known.set(id, one);
        }
        const name = one?.[field];
        return name === undefined ? '' : member(field, plainName(name));
      };
    const rows: Row[] = [
      ['service', 'service', 'dport', service],
      ['user', 'user', 'uid', user],
      ['group', 'group', 'gid', ofGroup],
      ['unit', 'unit', 'cgroup', inCgroup('unit')],
      ['container', 'container', 'cgroup', inCgroup('container')],
      ['runtime', 'container', 'cgroup', inCgroup('runtime')],
      ['pod', 'container', 'cgroup', inCgroup('pod')],
      ['host', 'host', 'type', remembered(() => member('host', plainName(host)))],
    ];
    this.#rows = rows.filter(([, group]) => wanted.has(group));
    const all = [
      [services, service],
      [passwd, user],
      [group, ofGroup],
    ] as const;
    this.#databases = all.filter((_, i) => wanted.has((['service', 'user', 'group'] as const)[i] as Group));
  }

  /** Looks at the files again, if it is time. Returns whether one has changed. */
  check(now: number): boolean {
    let changed = false;
    for (const [database, { forget }] of this.#databases) {
      if (!database.check(now)) continue;
      forget();
      changed = true;
    }
    return changed;
  }

  /** The fields that it gives, and those of an event that say what. */
  get fields(): { given: string[]; from: string[] } {
    return { given: this.#rows.map(([field]) => field), from: this.#rows.map(([, , of]) => of) };
  }

  /** A field that the event has stays as it is. */
  text(line: Line): string {
    let text = '';
    this.unknown = false;
    for (const [field, , of, give] of this.#rows) {
      const key = line.field(of);
      if (key !== undefined && line.field(field) === undefined) text += give(key);
    }
    return text;
  }
}
