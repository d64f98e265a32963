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

/** A field that names the number in another field, by a file of this machine. */
interface Row {
  field: Group;
  of: string;
  database: Database<number, string>;
  /** Texts that were made before, by number. */
  kept: Map<unknown, string>;
}
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

/** Adds the fields that come from this machine's files and cgroups: service, user, group, unit, container, pod, host. */
export class LocalFields {
  readonly #rows: readonly Row[];
  readonly #members: readonly Member[];
  readonly #membership: Membership;
  readonly #host: string;

  constructor(wanted: ReadonlySet<Group>, { passwd, group, services, membership, host }: LocalData) {
    const row = (field: Group, of: string, database: Row['database']): Row => ({
      field,
      of,
      database,
      kept: new Map(),
    });
    const rows = [row('service', 'dport', services), row('user', 'uid', passwd), row('group', 'gid', group)];
    this.#rows = rows.filter(({ field }) => wanted.has(field));
    this.#members = members.filter(([, group]) => wanted.has(group));
    this.#membership = membership;
    this.#host = wanted.has('host') ? member('host', plainName(host)) : '';
  }

  /** Whether the last line might get more fields later. */
  get incomplete(): boolean {
    return this.#membership.incomplete;
  }

  /** Checks the files again, if the last check is long enough ago. Returns whether one has changed. */
  check(now: number): boolean {
    let changed = false;
    for (const { database, kept } of this.#rows) {
      if (!database.check(now)) continue;
      kept.clear();
      changed = true;
    }
    return changed;
  }

  /** The fields that are added to events, and the event fields that these depend on. */
  get fields(): { added: string[]; from: string[] } {
    const host = this.#host === '' ? [] : ['host'];
    return {
      added: [...this.#rows.map(({ field }) => field), ...this.#members.map(([field]) => field), ...host],
      from: [...this.#rows.map(({ of }) => of), ...(this.#members.length > 0 ? this.#membership.from : [])],
    };
  }

  /** Returns the fields for an event, without those that it already has. */
  text(line: Line): string {
    let text = '';
    for (const row of this.#rows) {
      const key = line.field(row.of);
      if (key !== undefined && line.field(row.field) === undefined) text += named(row, key);
    }
    return text + this.#membersText(line) + (line.field('host') === undefined ? this.#host : '');
  }

  #membersText(line: Line): string {
    if (this.#members.length === 0) return '';
    const found = this.#membership.of(line);
    let text = '';
    for (const [field] of this.#members) {
      const value = found[field];
      if (value !== undefined && line.field(field) === undefined) text += member(field, plainName(value));
    }
    return text;
  }
}

/** Returns the field for a number, or '' if it has no name. */
function named({ field, database, kept }: Row, key: unknown): string {
  const known = kept.get(key);
  if (known !== undefined) return known;
  const name = database.entries.get(key as number);
  if (name === undefined) return ''; // it may have one later
  const text = member(field, name);
  if (kept.size >= maxKept) kept.clear();
  kept.set(key, text);
  return text;
}
