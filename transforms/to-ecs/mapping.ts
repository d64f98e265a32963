import { isIP } from 'node:net';
import type { AnyEvent } from '../../schemas/pipe/line/line.js';

/** Converts a field's value for its target field. Returns undefined if the value does not fit there. */
export type Convert = (value: unknown, event: AnyEvent) => unknown;
/** The target fields of one field, and the conversion for each. */
type Targets = Readonly<Record<string, Convert>>;
/** The target fields of each of an event's fields, by the field's name. */
export type Table = Readonly<Record<string, Targets>>;

/** Fields without a target are kept under this name. */
export const own = 'synpipe';

export const text: Convert = (value) => (typeof value === 'string' ? value : undefined);
/** Text, only in summaries of look-ups. */
export const inLookups: Convert = (value, event) => (event.events === 'dns' ? text(value, event) : undefined);
/** Text, in all events but summaries of look-ups. */
export const inAttempts: Convert = (value, event) => (event.events === 'dns' ? undefined : text(value, event));
/** Skips the field if the event has `other`, which has the same target. */
export const without =
  (other: string, convert: Convert): Convert =>
  (value, event) =>
    Object.hasOwn(event, other) ? undefined : convert(value, event);
/** Text, only if it is all lower case. */
export const lower: Convert = (value) =>
  typeof value === 'string' && value === value.toLowerCase() ? value : undefined;
/** A number as text. */
export const digits: Convert = (value) => (typeof value === 'number' ? String(value) : undefined);
export const integer: Convert = (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? value : undefined);
export const ip: Convert = (value) => (typeof value === 'string' && isIP(value) > 0 ? value : undefined);
export const ips: Convert = (value, event) =>
  Array.isArray(value) && value.every((one) => ip(one, event)) ? value : undefined;
/** Microseconds as nanoseconds. */
export const nanoseconds: Convert = (value, event) => integer((value as number) * 1000, event);
/** 4 or 6 as `ipv4` or `ipv6`. */
export const version: Convert = (value) => `ipv${value}`;

/**
 * Calls `put` with each target field and value that the table gives for an event. Returns the other fields under their
 * own names: those without a target, and those whose value does not fit. No field is lost.
 */
export function mapFields(event: AnyEvent, table: Table, put: (name: string, value: unknown) => void) {
  const rest: [string, unknown][] = [];
  const targets = targetsOf(table);
  for (const field in event) {
    if (field === 'type' || field === 'v' || !Object.hasOwn(event, field)) continue;
    const value = event[field];
    let mapped = false;
    for (const [name, convert] of targets.get(field) ?? []) {
      const converted = convert(value, event);
      if (converted === undefined) continue;
      put(name, converted);
      mapped = true;
    }
    if (!mapped) rest.push([field, value]);
  }
  return rest;
}

const tables = new Map<Table, ReadonlyMap<string, readonly [string, Convert][]>>();

/** Returns a table as a Map, which is built once. */
function targetsOf(table: Table) {
  let targets = tables.get(table);
  if (!targets) {
    targets = new Map(Object.entries(table).map(([field, names]) => [field, Object.entries(names)]));
    tables.set(table, targets);
  }
  return targets;
}
