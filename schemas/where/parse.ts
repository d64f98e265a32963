import { nearest } from '../pipe/command/nearest.js';
import type { Expression, FieldName, Literal, Order } from './expression.js';
import { pattern } from './pattern.js';
import { Reader } from './reader.js';

const deepest = 100; // so that no expression can exhaust the stack
const operators = '== != < <= > >= =~ !~ in';

const or = /or\b|\|\|/y;
const and = /and\b|&&/y;
const not = /not\b|!(?![=~])/y;
const open = /\(/y;
const close = /\)/y;
const reserved = /^(?:and|or|not|in)$/;

/** Parses an expression without checking its fields and values. Throws ExpressionError if the syntax is wrong. */
export function parse(text: string): Expression {
  const reader = new Reader(text);
  if (reader.at === text.length) reader.fail(0, 'the expression is empty; write for example dport == 443');
  const expression = either(reader, 0);
  if (reader.sees(close)) reader.fail(reader.at, '")" without a matching "("; remove it');
  if (reader.at < text.length)
    reader.fail(reader.at, `expected "and", "or" or the end, not ${excerpt(reader)}${connective(reader)}`);
  return expression;
}

function either(reader: Reader, depth: number): Expression {
  const first = both(reader, depth);
  const of = [first];
  while (reader.take(or)) of.push(both(reader, depth));
  return of.length === 1 ? first : { kind: 'or', of };
}

function both(reader: Reader, depth: number): Expression {
  const first = negation(reader, depth);
  const of = [first];
  while (reader.take(and)) of.push(negation(reader, depth));
  return of.length === 1 ? first : { kind: 'and', of };
}

function negation(reader: Reader, depth: number): Expression {
  const { at } = reader;
  if (depth > deepest) reader.fail(at, `more than ${deepest} nested levels of "(" and "not"; simplify the expression`);
  if (reader.take(not)) return { kind: 'not', of: negation(reader, depth + 1) };
  if (!reader.take(open)) return condition(reader);
  const inner = either(reader, depth + 1);
  if (!reader.take(close)) {
    if (reader.at === reader.text.length) reader.fail(at, '"(" is not closed; add a ")"');
    reader.fail(reader.at, `expected "and", "or" or ")", not ${excerpt(reader)}${connective(reader)}`);
  }
  return inner;
}

/** Parses `FIELD`, `FIELD == VALUE`, `FIELD in (VALUE, …)` or `FIELD =~ "…"`. */
function condition(reader: Reader): Expression {
  const field = fieldName(reader);
  const order = reader.take(/==(?!=)|!=|<=|>=|<(?!>)|>/y)?.[0] as Order | undefined;
  if (order) return { kind: 'compare', field, operator: order, value: literal(reader, order) };
  const matching = reader.take(/[=!]~/y)?.[0];
  if (matching) return { kind: 'match', field, not: matching === '!~', ...regularExpression(reader, matching) };
  const within = reader.take(/(not\s+)?in\b/y);
  if (within) return { kind: 'in', field, not: within[1] !== undefined, values: list(reader) };
  if (reader.at === reader.text.length || [or, and, close].some((end) => reader.sees(end)))
    return { kind: 'has', field };
  const { at } = reader;
  const meant: Record<string, string> = { '=': '==', '===': '==', '~': '=~', '<>': '!=', '&': '&&', '|': '||' };
  const wrong = reader.take(/[=~<>&|]+/y)?.[0];
  const instead = wrong !== undefined && Object.hasOwn(meant, wrong) ? meant[wrong] : undefined;
  if (instead) reader.fail(at, `"${wrong}" is not an operator; write ${instead}`);
  return reader.fail(at, `expected an operator after ${field.name}; the operators are ${operators}`);
}

function fieldName(reader: Reader): FieldName {
  const { at } = reader;
  const plain = reader.take(/(\.?)([A-Za-z_]\w*)/y);
  if (plain && !(plain[1] === '' && reserved.test(plain[2] as string))) {
    return { name: plain[2] as string, own: plain[1] === '.', at };
  }
  if (reader.take(/\.(?=["'])/y)) return { name: quoted(reader) as string, own: true, at };
  if (at === reader.text.length) reader.fail(at, 'expected a field, not the end; write for example dport == 443');
  if (reader.sees(/["']/y)) reader.fail(at, 'expected a field, not quoted text; write dport, or ."dport"');
  const found = plain ? `"${plain[0]}"` : excerpt(reader);
  return reader.fail(at, `expected a field, not ${found}; write the field first, as in dport == 443`);
}

function list(reader: Reader): Literal[] {
  const { at } = reader;
  if (!reader.take(open)) return [literal(reader, 'in')];
  const values: Literal[] = [];
  do values.push(literal(reader, values.length > 0 ? ',' : '('));
  while (reader.take(/,/y));
  if (!reader.take(close)) {
    if (reader.at === reader.text.length) reader.fail(at, '"(" is not closed; add a ")"');
    reader.fail(reader.at, `expected "," or ")", not ${excerpt(reader)}; separate the values with ","`);
  }
  return values;
}

function literal(reader: Reader, after: string): Literal {
  const { at } = reader;
  const text = quoted(reader);
  if (text !== undefined) return { text, quoted: true, at };
  const word = reader.take(/[^\s()"',!=<>&|~]+/y)?.[0];
  if (word === undefined) {
    if (at === reader.text.length) reader.fail(at, `expected a value after "${after}", not the end; add one`);
    return reader.fail(
      at,
      `expected a value after "${after}", not ${excerpt(reader)}; put text with such characters in quotes`,
    );
  }
  if (reserved.test(word))
    reader.fail(at, `expected a value after "${after}"; put "${word}" in quotes if it is the value`);
  if (/[*?[\]]/.test(word)) reader.fail(at, `"${word}" is not a value; use =~ for a pattern, or put it in quotes`);
  return { text: word, quoted: false, at };
}

/**
 * Reads `"…"` or `'…'`. A backslash escapes the quote and another backslash; before any other character it stays in the text.
 * Returns undefined if the next piece is not quoted.
 */
function quoted(reader: Reader): string | undefined {
  const { at } = reader;
  const quote = reader.take(/["']/y)?.[0];
  if (quote === undefined) return undefined;
  for (let end = at + 1; end < reader.text.length; end++) {
    if (reader.text[end] === '\\') end++;
    else if (reader.text[end] === quote) {
      const inside = reader.text.slice(at + 1, end);
      reader.skipTo(end + 1);
      return inside.replace(/\\(["'\\])/g, (whole, sign) => (sign === quote || sign === '\\' ? sign : whole));
    }
  }
  return reader.fail(at, `the quoted text is not closed; add a ${quote}`);
}

/** Reads a regular expression: `"…"`, or `/…/` with optional `i`, in which `\/` is a slash. */
function regularExpression(reader: Reader, after: string): { source: string; flags: string; at: number } {
  const { at } = reader;
  const text = quoted(reader);
  const slashed = text === undefined ? reader.take(/\/((?:[^\\/]|\\[\s\S])*)\/(i?)(?!\w)/y) : undefined;
  const source = text ?? slashed?.[1]?.replaceAll('\\/', '/');
  if (source === undefined) {
    if (reader.sees(/\//y)) reader.fail(at, 'the regular expression is not closed; write /…/ or /…/i');
    return reader.fail(at, `expected a regular expression after "${after}"; write it as "…" or /…/i`);
  }
  const flags = slashed?.[2] ?? '';
  try {
    pattern(source, flags);
  } catch (error) {
    reader.fail(at, `${(error as Error).message}; write \\ before a character that stands for itself`);
  }
  return { source, flags, at };
}

/** Returns the next piece in quotes, for a message. */
function excerpt(reader: Reader): string {
  return `"${/^(?:[\w.:/-]{1,40}|[\s\S])/u.exec(reader.text.slice(reader.at))?.[0] ?? ''}"`;
}

/** Returns the remedy for a missing "and" or "or". */
function connective(reader: Reader): string {
  const near = nearest(excerpt(reader).slice(1, -1).toLowerCase(), ['and', 'or']);
  return `; ${near ?? 'join conditions with "and" or "or"'}`;
}
