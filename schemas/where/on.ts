import type { Line } from '../pipe/line/line.js';
import { LineField } from '../pipe/line/line-field.js';
import { sourcesOf } from '../pipe/line/virtual.js';
import type { Condition } from '../pipe/scan/compiled-filter.js';
import { isNumeric, isText, type Kind } from './kind.js';
import type { Test } from './match.js';
import { remembered } from './memo.js';

/** Returns whether a condition holds for an event. */
export interface Predicate {
  (line: Line): boolean;
  /** The same condition as data, for the scanner. Left out if it cannot be expressed as data. */
  readonly condition?: Condition | undefined;
}

const withCondition = (holds: (line: Line) => boolean, condition: Condition | undefined): Predicate =>
  Object.assign(holds, { condition });

/** Tests whether an event is of this type. */
export const isType = (type: string): Predicate => withCondition((line) => line.type === type, { is: 'type', type });

export function not(holds: Predicate): Predicate {
  return withCondition((line) => !holds(line), holds.condition && { is: 'not', of: holds.condition });
}

/** Tests whether all of these hold. */
export function every(all: readonly Predicate[]): Predicate {
  const [only] = all;
  if (only && all.length === 1) return only;
  return withCondition(
    (line) => {
      for (const holds of all) if (!holds(line)) return false;
      return true;
    },
    joined('and', all),
  );
}

/** Tests whether at least one of these holds. */
export function some(all: readonly Predicate[]): Predicate {
  const [only] = all;
  if (only && all.length === 1) return only;
  return withCondition(
    (line) => {
      for (const holds of all) if (holds(line)) return true;
      return false;
    },
    joined('or', all),
  );
}

function joined(is: 'and' | 'or', all: readonly Predicate[]): Condition | undefined {
  const of = all.flatMap(({ condition }) => condition ?? []);
  return of.length === all.length ? { is, of } : undefined;
}

/** Tests whether an event has a field. */
export function has(name: string, kind: Kind | undefined): Predicate {
  return some(sourcesOf(name).map((source) => hasField(source, kind)));
}

function hasField(name: string, kind: Kind | undefined): Predicate {
  const field = new LineField(name);
  return withCondition(kind ? (line) => line.locate(field) : (line) => line.field(name) !== undefined, {
    is: 'has',
    field: name,
  });
}

/**
 * Applies a test of a value to a field of the event, without parsing the line if it is canonical. With `remember`, it caches
 * results, in 256 KiB.
 */
export function on(name: string, kind: Kind | undefined, test: Test, remember = true): Predicate {
  const sources = sourcesOf(name);
  const holds = sources.map((source) => onField(source, kind, test, remember));
  // the first source that an event has gives the value; the others are ignored
  return holds.reduceRight((next, one, at) => {
    const isThere = hasField(sources[at] as string, kind);
    return some([every([isThere, one]), every([not(isThere), next])]);
  });
}

function onField(name: string, kind: Kind | undefined, test: Test, remember: boolean): Predicate {
  const holds = tested(name, kind, test, remember);
  const { ranges, networks } = test;
  if (kind && isNumeric(kind) && ranges) return withCondition(holds, { is: 'within', field: name, ranges });
  if (kind && kind.is === 'address' && !kind.list && networks)
    return withCondition(holds, { is: 'network', field: name, networks });
  if (!remember || kind?.is === 'time') return holds;
  return withCondition(holds, { is: 'remembered', field: name, missing: test(undefined), holds });
}

function tested(name: string, kind: Kind | undefined, test: Test, remember: boolean): (line: Line) => boolean {
  if (!kind) return (line) => test(line.field(name));
  const field = new LineField(name);
  if (isNumeric(kind)) {
    return (line) => {
      const value = line.number(field);
      return test(Number.isNaN(value) ? undefined : value);
    };
  }
  const value = isText(kind) && !kind.list ? (line: Line) => line.text(field) : (line: Line) => line.field(name);
  // the same time rarely comes again
  return remember && kind.is !== 'time' ? remembered(field, test, value) : (line) => test(value(line));
}
