import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { pipelineWords } from '../../../../schemas/pipe/command/words.js';

test('splits words as a shell does', () => {
  const cases: [string, string[][]][] = [
    ['filter', [['filter']]],
    [' a  b\tc ', [['a', 'b', 'c']]],
    ['a|b |c', [['a'], ['b'], ['c']]],
    ['a |\n  b\n', [['a'], ['b']]],
    [`a 'b c' "d e" f\\ g ''`, [['a', 'b c', 'd e', 'f g', '']]],
    [`a "x\\"y\\\\z\\n" 'q\\'`, [['a', 'x"y\\z\\n', 'q\\']]],
    [`--comm='node*' "a|b" a'b'"c"\\d`, [['--comm=node*', 'a|b', 'abcd']]],
    ['a\\\nb "c\\\nd"', [['ab', 'cd']]],
    ['a b#c e!', [['a', 'b#c', 'e!']]],
  ];
  for (const [text, words] of cases) assert.deepEqual(pipelineWords(text), words, text);
});

test('errors name the column', () => {
  const cases: [string, string][] = [
    ['', 'column 1: a command is missing'],
    ['  ', 'column 3: a command is missing'],
    ['| a', 'column 1: a command is missing before |'],
    ['a || b', 'column 4: a command is missing before |'],
    ['a | ', 'column 5: a command is missing after |'],
    ["a 'b", "column 3: this ' is not closed"],
    ['a "b', 'column 3: this " is not closed'],
    ['a \\', 'column 3: nothing follows the backslash'],
    ['a > b', 'column 3: > has a special meaning in a shell; quote it to use it literally'],
    ['a 2>&1', 'column 4: > has a special meaning in a shell; quote it to use it literally'],
    ['é "$x"', 'column 4: $ has a special meaning in a shell; quote it to use it literally'],
    ['😀 ;', 'column 3: ; has a special meaning in a shell; quote it to use it literally'],
    ['a\nb', 'column 2: a newline has a special meaning in a shell; quote it to use it literally'],
    ...[...'<>&;()$`*?[{}~'].map((char): [string, string] => [
      `a b${char}`,
      `column 4: ${char} has a special meaning in a shell; quote it to use it literally`,
    ]),
    ['a #b', 'column 3: # has a special meaning in a shell; quote it to use it literally'],
  ];
  for (const [text, message] of cases) assert.throws(() => pipelineWords(text), { message }, text);
});

test('bash splits every accepted line the same way', () => {
  const part = fc.string({ unit: fc.constantFrom(...`ab12 -=/,.:^%@+]!#~'"\\|$*?é\n\t`), maxLength: 10 });
  const texts = fc.sample(
    fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.map((words) => `a ${words}`).join('|')),
    4_000,
  );
  const taken = new Map<string, string[][]>();
  for (const text of texts) {
    try {
      const words = pipelineWords(text);
      if (words.every(([name = '']) => /^[ab]+$/.test(name))) taken.set(text, words); // names that a bash function can have
    } catch {}
  }
  assert.ok(taken.size > 200, `${taken.size} texts`);
  // Each command is a shell function that copies its input and then prints its words.
  const names = [...new Set([...taken.values()].flat().map(([name]) => name))];
  const script = `set +H
${names.map((name) => `${name}() { cat; printf '<%s>' ${name} "$@"; echo; }`).join('\n')}
while IFS= read -r -d '' text; do eval "$text" </dev/null; printf '\\0'; done`;
  const said = execFileSync('bash', ['-c', script], { input: `${[...taken.keys()].join('\0')}\0`, encoding: 'utf8' });
  const outputs = said.split('\0');
  for (const [at, [text, commands]] of [...taken].entries()) {
    const wanted = commands.map((words) => `${words.map((word) => `<${word}>`).join('')}\n`).join('');
    assert.equal(outputs[at], wanted, JSON.stringify(text));
  }
});
