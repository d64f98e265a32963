import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Archive, formatArchive, parseArchive } from './archive.js';

test('text is kept as it is; other content is marked', () => {
  const archive: Archive = new Map([
    ['cmd', Buffer.from('filter a\n')],
    ['input', Buffer.from('{"a":1}\r\n\nlast')],
    ['empty', Buffer.from('')],
    ['etc/passwd', Buffer.from('-- x --\n>\n')],
    ['bytes', Buffer.from([0xff, 0x0a])],
    ['nul', Buffer.from('a\0\n')],
    ['stdout', Buffer.from('-- 3 lost in filter --\n')],
  ]);
  const text = `-- cmd --
filter a
-- input (no newline at end) --
{"a":1}\r

last
-- empty --
-- etc/passwd (quoted) --
>-- x --
>>
-- bytes (base64) --
/wo=
-- nul (base64) --
YQAK
-- stdout --
-- 3 lost in filter --
`;
  assert.equal(formatArchive(archive).toString(), text);
  assert.deepEqual([...parseArchive(Buffer.from(text))], [...archive]);
});

test('an archive gives back the bytes of each of its files', () => {
  const special = [
    '',
    '>',
    '-- a --',
    '-- a (base64) --',
    '-- a (quoted, no newline at end) --',
    '-- a b --',
    '\r',
    '\ufeff',
  ];
  const line = fc.oneof(fc.constantFrom(...special), fc.string());
  const content = fc.oneof(
    fc.array(line).map((lines) => Buffer.from(lines.join('\n'))),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  );
  fc.assert(
    fc.property(fc.array(content), (contents) => {
      const archive: Archive = new Map(contents.map((content, index) => [`folder/file${index}`, content]));
      assert.deepEqual([...parseArchive(formatArchive(archive))], [...archive]);
    }),
  );
});

test('what is not an archive is refused, with the line', () => {
  const refused: [string, RegExp][] = [
    ['a\n', /^Error: line 1: expected "-- NAME --", found "a"$/],
    ['-- a --\n-- b --\n-- a --\n', /^Error: line 3: "a" appears twice$/],
    ['-- a (quoted) --\n>\nb\n', /^Error: line 1: a line of this quoted file does not start with ">"$/],
    ['-- a --\nb', /^Error: the last line has no newline$/],
  ];
  assert.throws(() => parseArchive(Buffer.from([0xff])), /^Error: not UTF-8; use \(base64\)$/);
  for (const [text, message] of refused) assert.throws(() => parseArchive(Buffer.from(text)), message);
});
