import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UsageError } from '../../../schemas/pipe/messages/errors.js';
import { glob, pattern } from '../../../schemas/where/pattern.js';

/** The simple implementation, whose time is not bounded. */
function simple(text: string, flags: string): RegExp {
  const source = text.replace(/\[(!?)([^\]]+)\]|[\s\S]/gu, (token, not?: string, set?: string) => {
    if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\\]^[]/g, '\\$&')}]`;
    if (token === '*') return '.*';
    return token === '?' ? '.' : token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  });
  return new RegExp(`^${source}$`, `su${flags}`);
}

const letter = fc.constantFrom('a', 'b', 'B', '.', 'é', '😀', '\n', '-');
const text = fc.array(letter, { maxLength: 12 }).map((all) => all.join(''));
const globs = fc
  .array(fc.oneof(letter, fc.constantFrom('*', '*', '?', '[ab]', '[!a]', '[😀-]', '[', ']', '\\', '^')), {
    maxLength: 8,
  })
  .map((all) => all.join(''));

test('a glob matches what its simple translation into a regular expression matches', () => {
  const check = (source: string, value: string, flags: string) => {
    let expected: RegExp | undefined;
    try {
      expected = simple(source, flags);
    } catch {
      assert.throws(() => glob(source, flags), { name: 'SyntaxError' });
      return;
    }
    assert.equal(glob(source, flags)(value), expected.test(value), JSON.stringify([source, value, flags]));
  };
  fc.assert(fc.property(globs, text, fc.constantFrom('', 'i'), check), { numRuns: 5000 });
});

const piece = fc.constantFrom(
  'a',
  'b',
  'é',
  '.',
  '\\.',
  '[ab]',
  '[^a]',
  '\\w',
  '\\d',
  '\\b',
  '^',
  '$',
  '(a|b)',
  '(?:ab)',
);
const counted = fc
  .tuple(piece, fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,3}', '*?'))
  .map(([one, count]) => (/^(\\b|\^|\$)$/.test(one) ? one : one + count));
const sources = fc.array(counted, { maxLength: 6 }).map((all) => all.join(''));

test("a regular expression matches what JavaScript's own does", () => {
  const value = fc.array(fc.constantFrom('a', 'b', 'B', 'é', '.', '1'), { maxLength: 8 }).map((all) => all.join(''));
  const check = (source: string, of: string, flags: string) =>
    assert.equal(pattern(source, flags)(of), new RegExp(source, flags).test(of), JSON.stringify([source, of, flags]));
  fc.assert(fc.property(sources, value, fc.constantFrom('', 'i'), check), { numRuns: 5000 });
});

/** Shapes from public lists of expressions that take exponential or polynomial time. */
const catastrophic = [
  '(a+)+$', '([a-zA-Z]+)*$', '(a|aa)+$', '(a|a?)+$', '(.*a){20}$', '^(([a-z])+.)+[A-Z]([a-z])+$', '^((([^!])+)+)+!$',
  '(x+x+)+y', '.*.*.*.*x', '(.*)*(.*)*x$', '^(a?){50}a{50}$', '\\s*\\s*\\s*$x', '(a{1,100}){1,10}b', '(?:a*)*b', '(\\w+\\s?)*$!',
  '^(.+)+\\.com$', '([^.]+\\.?)+x$', '((a*)*)*b', '(a|b|ab)*c', '^(?:.*=.*)+.*=.*!$',
]; // biome-ignore format: a list

test('no expression takes long, on any text', { timeout: 60_000 }, () => {
  const texts = ['a', ' ', 'x', 'a=', 'ab', 'aA.', '\n'].map((part) => `${part.repeat(1024 / part.length)}\x01`);
  for (const source of catastrophic)
    for (const value of texts) assert.equal(pattern(source)(value), pattern(source)(value));
  for (const value of texts) assert.equal(glob(`${'*a'.repeat(100)}*b`)(value), false);
});

test('expressions that cannot be matched in bounded time are refused with the reason', () => {
  for (const source of ['(?=a)b', '(?<!a)b', '(a)\\1'])
    assert.throws(
      () => pattern(source),
      (error: Error) => error instanceof UsageError && /look-around, back-ref/.test(error.message),
    );
  assert.throws(() => pattern('a{1001}'), UsageError);
  assert.throws(() => pattern('('), { message: 'Invalid regular expression: /(/: Unterminated group' });
});
