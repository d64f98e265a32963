import { fieldKinds } from '../generated/fields.js';
import { nearest } from '../pipe/options.js';
import { compare } from './compare.js';
import type { Expression, FieldName } from './expression.js';
import { type Kind, together } from './kind.js';
import { parse } from './parse.js';
import { type Fail, failIn } from './reader.js';

/** An event that says what its fields are: a Line, or anything like it. */
export interface Event {
  field(name: string): unknown;
}

/** Says whether an expression holds for an event. */
export type Holds = (event: Event) => boolean;

/**
 * An expression such as `dport == 443 and not daddr in 10.0.0.0/8`, for events of these types; the README tells the
 * language. Throws ExpressionError, `column 14: cause; remedy`, also for a comparison that could never hold.
 */
export function where(text: string, types: readonly string[] = ['connect', 'outcome']): Holds {
  const fields = together(types.map((type) => fieldKinds[type] ?? {}));
  return compile(parse(text), fields, failIn(text));
}

function compile(expression: Expression, fields: ReadonlyMap<string, Kind>, fail: Fail): Holds {
  switch (expression.kind) {
    case 'and':
      return every(expression.of.map((part) => compile(part, fields, fail)));
    case 'or':
      return some(expression.of.map((part) => compile(part, fields, fail)));
    case 'not': {
      const holds = compile(expression.of, fields, fail);
      return (event) => !holds(event);
    }
    case 'has': {
      const { name } = known(expression.field, fields, fail);
      return (event) => event.field(name) !== undefined;
    }
    default: {
      const { name, kind } = known(expression.field, fields, fail);
      const test = compare(expression, { name, ...(kind && { kind }), names: new Set(fields.keys()), fail });
      return (event) => test(event.field(name));
    }
  }
}

function known({ name, own, at }: FieldName, fields: ReadonlyMap<string, Kind>, fail: Fail) {
  const kind = fields.get(name);
  if (!kind && !own) {
    const near = nearest(name, [...fields.keys()]);
    fail(at, `no field is named "${name}"; ${near ? `${near} A` : 'a'} field of your own is written .${name}`);
  }
  return { name, kind };
}

function every(all: Holds[]): Holds {
  return (event) => {
    for (const holds of all) if (!holds(event)) return false;
    return true;
  };
}

function some(all: Holds[]): Holds {
  return (event) => {
    for (const holds of all) if (holds(event)) return true;
    return false;
  };
}
