import type { Line } from '../../schemas/pipe/line/line.js';
import type { Database } from './databases.js';
import type { Membership } from './membership.js';
import { member, plainName } from './text.js';

export const groups = ['names', 'service', 'user', 'group', 'unit', 'container', 'host'] as const;
export type Group = (typeof groups)[number];

export interface LocalData {
  passwd: Database<number, string>;
  group: Database<number, string>;
  services: Database<number, string>;
  membership: Membership;
  host: string;
}

/** Returns the fields for a key, or '' if the key adds no fields. */
type FieldsOf = (key: unknown) => string;
type Row = readonly [field: string, group: Group, of: string, fieldsOf: FieldsOf];
type Member = readonly [field: keyof ReturnType<Membership['of']>, group: Group];

/** The fields that come from the cgroup of the process, in schema order. */
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

const maxKept = 10_000;

/** Returns `fieldsOf` with a cache of its results. Call `forget()` when they may be outdated. */
function remembered(fieldsOf: FieldsOf): FieldsOf & { forget(): void } {
  const kept = new Map<unknown, string>();
  const call = (key: unknown) => {
    let text = kept.get(key);
    if (text === undefined) {
      text = fieldsOf(key);
      if (kept.size >= maxKept) kept.clear();
      if (text !== '') kept.set(key, text); // an unknown key may be known later
    }
    return text;
  };
  return Object.assign(call, { forget: () => kept.clear() });
}

/** Adds the fields that come from this machine's files and cgroups: service, user, group, unit, container, pod, host. */
export class LocalFields {
  readonly #rows: readonly Row[];
  readonly #members: readonly Member[];
  readonly #membership: Membership;
  readonly #host: string;
  /** Whether the last line might get more fields later. */
  incomplete = false;
  readonly #databases: readonly (readonly [Database<number, string>, { forget(): void }])[];

  constructor(wanted: ReadonlySet<Group>, { passwd, group, services, membership, host }: LocalData) {
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

  /** Checks the files again, if the last check is long enough ago. Returns whether one has changed. */
  check(now: number): boolean {
    let changed = false;
    for (const [database, { forget }] of this.#databases) {
      if (!database.check(now)) continue;
      forget();
      changed = true;
    }
    return changed;
  }

  /** The fields that are added to events, and the event fields that these depend on. */
  get fields(): { added: string[]; from: string[] } {
    const host = this.#host === '' ? [] : ['host'];
    return {
      added: [...[...this.#rows, ...this.#members].map(([field]) => field), ...host],
      from: [...this.#rows.map(([, , of]) => of), ...(this.#members.length > 0 ? this.#membership.from : [])],
    };
  }

  /** Returns the fields for an event, without those that it already has. */
  text(line: Line): string {
    let text = '';
    for (const [field, , of, fieldsOf] of this.#rows) {
      const key = line.field(of);
      if (key !== undefined && line.field(field) === undefined) text += fieldsOf(key);
    }
    return text + this.#membersText(line) + (line.field('host') === undefined ? this.#host : '');
  }

  #membersText(line: Line): string {
    this.incomplete = false;
    if (this.#members.length === 0) return '';
    const found = this.#membership.of(line);
    this.incomplete = this.#membership.incomplete;
    let text = '';
    for (const [field] of this.#members) {
      const value = found[field];
      if (value !== undefined && line.field(field) === undefined) text += member(field, plainName(value));
    }
    return text;
  }
}
