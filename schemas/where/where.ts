import { attemptTypes } from '../attempts.js';
import { fieldKinds } from '../generated/fields.js';
import { nearestField } from '../pipe/command/nearest.js';
import { sourcesOf } from '../pipe/line/virtual.js';
import { compare } from './compare.js';
import type { Expression, FieldName } from './expression.js';
import { type Kind, together } from './kind.js';
import { every, has, not, on, type Predicate, some } from './on.js';
import { parse } from './parse.js';
import { type Fail, failIn } from './reader.js';

/** Returns the fields of these event types, with the values that they may have. */
export function fieldsOf(types: readonly string[]): ReadonlyMap<string, Kind> {
  const fields = new Map(together(types.map((type) => fieldKinds[type] ?? {})));
  if (sourcesOf('dest').some((name) => fields.has(name))) fields.set('dest', { is: 'host' });
  return fields;
}

/**
 * Compiles an expression such as `dport == 443 and not daddr in 10.0.0.0/8` for events of these types. transforms/README.md
 * describes the language. Throws ExpressionError (`column 14: cause; remedy`), also for a comparison that can never hold.
 */
export function where(text: string, types = attemptTypes): Predicate {
  return compile(parse(text), { fields: fieldsOf(types), fail: failIn(text), memos: mostMemos });
}

/** Returns the names of the fields in an expression. Throws ExpressionError. */
export function fieldsIn(text: string): string[] {
  const names = (expression: Expression): string[] => {
    if ('field' in expression) return [expression.field.name];
    return expression.kind === 'not' ? names(expression.of) : expression.of.flatMap(names);
  };
  return names(parse(text));
}

/**
 * Returns the fields that an event needs to match an expression: at least one field of each list. It need not find all.
 * Throws ExpressionError.
 */
export function fieldsNeeded(text: string): string[][] {
  const needed = (expression: Expression): string[][] => {
    if ('field' in expression) return [[...sourcesOf(expression.field.name)]];
    if (expression.kind === 'not') return [];
    const parts = expression.of.map(needed);
    return expression.kind === 'and' ? parts.flat() : oneOfEach(parts);
  };
  return needed(parse(text));
}

/** Returns what is needed if one of the alternatives must hold, each with the fields that it needs. */
export function oneOfEach(alternatives: readonly string[][][]): string[][] {
  return alternatives.every((one) => one.length > 0) ? [alternatives.flatMap(([first = []]) => first)] : [];
}

/** How many conditions of one expression may cache their results. */
const mostMemos = 32;

interface Context {
  fields: ReadonlyMap<string, Kind>;
  fail: Fail;
  /** How many more conditions may cache their results. */
  memos: number;
}

function compile(expression: Expression, context: Context): Predicate {
  switch (expression.kind) {
    case 'and':
      return every(expression.of.map((part) => compile(part, context)));
    case 'or':
      return some(expression.of.map((part) => compile(part, context)));
    case 'not':
      return not(compile(expression.of, context));
    case 'has': {
      const { name, kind } = known(expression.field, context);
      return has(name, kind);
    }
    default: {
      const { name, kind } = known(expression.field, context);
      const compared = compare(expression, { name, kind, names: context.fields, fail: context.fail });
      const holds = on(name, kind, compared.test, context.memos-- > 0);
      return compared.not ? every([has(name, kind), not(holds)]) : holds;
    }
  }
}

function known({ name, own, at }: FieldName, { fields, fail }: Context) {
  const kind = fields.get(name);
  if (!kind && !own) {
    const near = nearestField(name, [...fields.keys()]);
    fail(at, `unknown field "${name}"; ${near ? `${near} Write` : 'write'} .${name} for a field of your own`);
  }
  return { name, kind };
}
