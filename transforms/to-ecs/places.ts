import { isIP } from 'node:net';
import type { AnyEvent } from '../../schemas/pipe/line/line.js';

/** A field's value as it is written in its new place; undefined where it does not fit there. */
export type Write = (value: unknown, event: AnyEvent) => unknown;
/** The names that a field gets, and how its value is written there. */
type Places = Readonly<Record<string, Write>>;
/** What becomes of an event's fields, by their own names. */
export type Table = Readonly<Record<string, Places>>;

/** What else an event has is kept under this name. */
export const own = 'synpipe';

export const text: Write = (value) => (typeof value === 'string' ? value : undefined);
/** In a summary of look-ups. */
export const inLookups: Write = (value, event) => (event.events === 'dns' ? text(value, event) : undefined);
/** In any other event. */
export const inAttempts: Write = (value, event) => (event.events === 'dns' ? undefined : text(value, event));
/** Unless the event has another field, whose value has the same place. */
export const without =
  (other: string, write: Write): Write =>
  (value, event) =>
    Object.hasOwn(event, other) ? undefined : write(value, event);
/** Of lower case only. */
export const lower: Write = (value) => (typeof value === 'string' && value === value.toLowerCase() ? value : undefined);
/** A number as text. */
export const digits: Write = (value) => (typeof value === 'number' ? String(value) : undefined);
export const integer: Write = (value) => (Number.isSafeInteger(value) && (value as number) >= 0 ? value : undefined);
export const ip: Write = (value) => (typeof value === 'string' && isIP(value) > 0 ? value : undefined);
export const ips: Write = (value, event) =>
  Array.isArray(value) && value.every((one) => ip(one, event)) ? value : undefined;
/** Microseconds as nanoseconds. */
export const nanoseconds: Write = (value, event) => integer((value as number) * 1000, event);
/** 4 or 6. */
export const version: Write = (value) => `ipv${value}`;

/**
 * Gives each of an event's fields to `put` under the names that the table has for it. Returns those that have none, or
 * whose value does not fit there, under their own names; nothing that an event has is lost.
 */
export function place(event: AnyEvent, table: Table, put: (name: string, value: unknown) => void) {
  const rest: [string, unknown][] = [];
  const places = placesOf(table);
  for (const field in event) {
    if (field === 'type' || field === 'v' || !Object.hasOwn(event, field)) continue;
    const value = event[field];
    let placed = false;
    for (const [name, write] of places.get(field) ?? []) {
      const written = write(value, event);
      if (written === undefined) continue;
      put(name, written);
      placed = true;
    }
    if (!placed) rest.push([field, value]);
  }
  return rest;
}

const tables = new Map<Table, ReadonlyMap<string, readonly [string, Write][]>>();

/** A table for looking up, made once. */
function placesOf(table: Table) {
  let places = tables.get(table);
  if (!places) {
    places = new Map(Object.entries(table).map(([field, names]) => [field, Object.entries(names)]));
    tables.set(table, places);
  }
  return places;
}
