import type { Line } from '../../schemas/pipe/line/line.js';
import type { Database } from './databases.js';
import type { Membership } from './membership.js';
import { member, plainName } from './text.js';

export const groups = ['names', 'service', 'user', 'group', 'unit', 'container', 'host'] as const;
export type Group = (typeof groups)[number];

export interface Sources {
  passwd: Database<number, string>;
  group: Database<number, string>;
  services: Database<number, string>;
  membership: Membership;
  host: string;
}

/** What a key stands for, as fields. */
type Give = (key: unknown) => string;
type Row = readonly [field: string, group: Group, of: string, give: Give];
type Member = readonly [field: keyof ReturnType<Membership['of']>, group: Group];

/** What the cgroup of the process gives, in the order of the schema. */
const members: readonly Member[] = [
  ['unit', 'unit'],
  ['container', 'container'],
  ['container_name', 'container'],
  ['image', 'container'],
  ['runtime', 'container'],
  ['pod', 'container'],
  ['pod_name', 'container'],
  ['pod_namespace', 'container'],
];

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
  readonly #members: readonly Member[];
  readonly #membership: Membership;
  readonly #host: string;
  /** The last line may get more later. */
  unknown = false;
  readonly #databases: readonly (readonly [Database<number, string>, { forget(): void }])[];

  constructor(wanted: ReadonlySet<Group>, { passwd, group, services, membership, host }: Sources) {
    const from = (field: string, database: Database<number, string>) =>
      remembered((key) => {
        const name = database.entries.get(key as number);
        return name === undefined ? '' : member(field, name);
      });
    const [service, user, ofGroup] = [from('service', services), from('user', passwd), from('group', group)];
    const rows: Row[] = [
      ['service', 'service', 'dport', service],
      ['user', 'user', 'uid', user],
      ['group', 'group', 'gid', ofGroup],
    ];
    this.#rows = rows.filter(([, group]) => wanted.has(group));
    this.#members = members.filter(([, group]) => wanted.has(group));
    this.#membership = membership;
    this.#host = wanted.has('host') ? member('host', plainName(host)) : '';
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
    const host = this.#host === '' ? [] : ['host'];
    return {
      given: [...[...this.#rows, ...this.#members].map(([field]) => field), ...host],
      from: [...this.#rows.map(([, , of]) => of), ...(this.#members.length > 0 ? this.#membership.from : [])],
    };
  }

  /** A field that the event has stays as it is. */
  text(line: Line): string {
    let text = '';
    for (const [field, , of, give] of this.#rows) {
      const key = line.field(of);
      if (key !== undefined && line.field(field) === undefined) text += give(key);
    }
    return text + this.#membersText(line) + (line.field('host') === undefined ? this.#host : '');
  }

  #membersText(line: Line): string {
    this.unknown = false;
    if (this.#members.length === 0) return '';
    const found = this.#membership.of(line);
    this.unknown = this.#membership.unknown;
    let text = '';
    for (const [field] of this.#members) {
      const value = found[field];
      if (value !== undefined && line.field(field) === undefined) text += member(field, plainName(value));
    }
    return text;
  }
}
