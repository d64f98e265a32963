import type { Range } from '../pipe/scan/compiled-filter.js';
import type { Comparison, Literal, Order } from './expression.js';
import { isText } from './kind.js';
import {
  choiceOf,
  isNetwork,
  isNumber as isNumberText,
  networksOf,
  numberOf,
  rangeOf,
  type Subject,
  textOf,
  timeOf,
} from './literal.js';
import { addresses, among, isNumber, ranged, type Test, within } from './match.js';
import { pattern } from './pattern.js';

type Ordered = number | bigint | string;

const orders = {
  '<': (value: Ordered, limit: Ordered) => value < limit,
  '<=': (value: Ordered, limit: Ordered) => value <= limit,
  '>': (value: Ordered, limit: Ordered) => value > limit,
  '>=': (value: Ordered, limit: Ordered) => value >= limit,
};

/**
 * Returns the test of a comparison. With `not`, the comparison holds if the field is present and the test fails. A missing
 * field never satisfies a comparison. Calls `fail` if the value does not fit the field.
 */
export function compare(comparison: Comparison, subject: Subject): { test: Test; not: boolean } {
  const { name, kind, fail } = subject;
  if (kind?.is === 'other')
    fail(comparison.field.at, `${name} cannot be compared; write ${name} alone to test whether it is present`);
  const { test, not } = plain(comparison, subject);
  return { test: kind?.list ? (value) => Array.isArray(value) && value.some(test) : test, not };
}

function plain(comparison: Comparison, subject: Subject): { test: Test; not: boolean } {
  switch (comparison.kind) {
    case 'match':
      return { test: matches(comparison, subject), not: comparison.not };
    case 'in':
      return { test: isOneOf(comparison.values, subject, true), not: comparison.not };
    case 'compare': {
      const { operator, value } = comparison;
      if (operator === '==' || operator === '!=') {
        return { test: isOneOf([value], subject, false), not: operator === '!=' };
      }
      return { test: ordered(operator, value, subject), not: false };
    }
  }
}

function matches(
  { source, flags, at }: { source: string; flags: string; at: number },
  { name, kind, fail }: Subject,
): Test {
  if (kind && !isText(kind)) fail(at, `${name} is not text; compare it with == or in`);
  const matches = pattern(source, flags);
  return (value) => typeof value === 'string' && matches(value);
}

function ordered(operator: Exclude<Order, '==' | '!='>, value: Literal, subject: Subject): Test {
  const { name, kind, fail } = subject;
  const order = orders[operator];
  if (kind?.is === 'time') {
    const limit = timeOf(value, subject);
    return (one) => typeof one === 'string' && order(one, limit);
  }
  if (kind && kind.is !== 'number') fail(value.at, `${name} has no order; compare it with == or in`);
  const limit = numberOf(value, subject);
  const test = (one: unknown) => isNumber(one) && order(one, limit);
  return typeof limit === 'bigint' ? test : ranged(test, [wholeNumbers(operator, limit)]);
}

/** Returns the range of the whole numbers n for which `n operator limit` holds. */
function wholeNumbers(operator: Exclude<Order, '==' | '!='>, limit: number): Range {
  switch (operator) {
    case '<':
      return [Number.NEGATIVE_INFINITY, Math.ceil(limit) - 1];
    case '<=':
      return [Number.NEGATIVE_INFINITY, Math.floor(limit)];
    case '>':
      return [Math.floor(limit) + 1, Number.POSITIVE_INFINITY];
    case '>=':
      return [Math.ceil(limit), Number.POSITIVE_INFINITY];
  }
}

/** Returns the test that a value is one of these. With `many` (after `in`), a literal may be a range or a network. */
function isOneOf(values: Literal[], subject: Subject, many: boolean): Test {
  switch (subject.kind?.is) {
    case 'number':
      return within(values.map((value) => rangeOf(value, subject, many)));
    case 'address':
      return addresses(networksOf(values, subject, many));
    case 'host':
      return some(values.map((value) => isHost(value, subject, many)));
    case 'choice':
      return among(values.map((value) => choiceOf(value, subject)));
    case 'time':
      return among(values.map((value) => timeOf(value, subject)));
    case 'text':
      return among(values.map((value) => textOf(value, subject)));
    default:
      return some(values.map((value) => isOwn(value, subject, many)));
  }
}

/** Compares a name as text, and an address or a network in whatever form it is written. */
function isHost(literal: Literal, subject: Subject, many: boolean): Test {
  const same = textOf(literal, subject);
  return isNetwork(literal.text) && (many || !literal.text.includes('/')) ? addresses(literal.text) : among([same]);
}

const some =
  (tests: readonly Test[]): Test =>
  (value) =>
    tests.some((test) => test(value));

/**
 * Compares a field that is in no schema. Quoted text matches only that text. A bare word matches that text and also what it can
 * be read as: true or false, a number, or an address; after `in` also any number in its range and any address in its network.
 */
function isOwn(literal: Literal, subject: Subject, many: boolean): Test {
  const { text, quoted } = literal;
  const same = textOf(literal, subject);
  if (quoted) return among([same]);
  if (text === 'true' || text === 'false') return among([same, text === 'true']);
  if (isNetwork(text) && (many || !text.includes('/'))) {
    const near = addresses(text);
    return (value) => value === same || near(value);
  }
  if (!isNumberText(text, subject.name, many)) return among([same]);
  const near = within([rangeOf(literal, subject, many)]);
  return (value) => value === same || near(value);
}
