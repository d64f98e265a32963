import { RE2JS } from 're2js';
import { UsageError } from '../pipe/messages/errors.js';

/**
 * Returns a function that tests whether any part of a text matches a regular expression. It takes time proportional to the
 * length of the text, whatever the expression: an attacker may choose the text, and the expression may come from the web page.
 * JavaScript's own engine backtracks, which can take hours. Throws UsageError if the expression is invalid or needs backtracking.
 */
export function pattern(source: string, flags = ''): (text: string) => boolean {
  try {
    new RegExp(source, flags); // its error message is clearer
    const expression = RE2JS.compile(RE2JS.translateRegExp(source), flags === 'i' ? RE2JS.CASE_INSENSITIVE : 0);
    return (text) => expression.test(text);
  } catch (error) {
    const [, why] = /^error parsing regexp: (.*)/.exec((error as Error).message) ?? [];
    if (why === undefined) throw new UsageError((error as Error).message);
    throw new UsageError(
      `${why.replaceAll('`', '"')}; look-around, back-references and counts above 1000 are not supported`,
    );
  }
}

/**
 * Returns a function that tests whether a whole text matches a glob: `*`, `?`, `[abc]`, `[!abc]`. Like `pattern`, it takes time
 * proportional to the length of the text: for each part between two `*`, the first place that matches is as good as any later.
 */
export function glob(text: string, flags = ''): (text: string) => boolean {
  const parts = [''];
  for (const token of text.match(/\[!?[^\]]+\]|[\s\S]/gu) ?? []) {
    if (token === '*') parts.push('');
    else parts[parts.length - 1] += sourceOf(token);
  }
  const expression = (source: string, more = '') => new RegExp(source, `su${flags}${more}`);
  if (parts.length === 1) {
    const whole = expression(`^${parts[0]}$`);
    return (value) => whole.test(value);
  }
  const first = expression(`^${parts.shift()}`);
  const last = expression(`${parts.pop()}$`);
  const between = parts.filter((part) => part !== '').map((part) => expression(part, 'g'));
  return (value) => {
    let at = first.exec(value)?.[0].length ?? -1;
    for (const part of between) {
      if (at < 0) return false;
      part.lastIndex = at;
      at = part.test(value) ? part.lastIndex : -1;
    }
    return at >= 0 && (last.exec(value)?.index ?? -1) >= at;
  };
}

function sourceOf(token: string): string {
  if (token === '?') return '.';
  const [, not, set] = /^\[(!?)([^\]]+)\]$/u.exec(token) ?? [];
  if (set !== undefined) return `[${not ? '^' : ''}${set.replace(/[\\\]^[]/g, '\\$&')}]`;
  return token.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
