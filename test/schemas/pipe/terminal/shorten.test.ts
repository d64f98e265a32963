import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clip, pad, ready, shorten, shortenEnd, width } from '../../../../schemas/pipe/terminal/shorten.js';

await ready(['日']);

test('measures terminal columns', () => {
  assert.equal(width('abc'), 3);
  assert.equal(width('日本'), 4);
  assert.equal(width('e\u0301'), 1);
});

test('shortens in the middle and keeps the port', () => {
  const name = 'my-bucket.s3.eu-central-1.amazonaws.com:443';
  assert.equal(shorten(name, 43), name);
  assert.equal(shorten(name, 21), 'my-bucket.…ws.com:443');
  assert.equal(shorten(name, 8), 'my-…:443');
  assert.equal(shorten(name, 6), 'm…:443');
  assert.equal(shorten(name, 5), 'my…43', 'no room for the port');
  assert.equal(shorten('www.example.com?:65535', 10), 'w…?:65535'.padStart(9).replace('w…', 'ww…'));
  assert.equal(shorten('[2001:db8:1111::6666]:443', 14), '[2001:d…6]:443');
  assert.equal(shorten('abcdef', 1), '…');
  assert.equal(shorten('abcdef', 0), '');
  assert.equal(shorten('日本語日本語:443', 10), '日本…:443');
});

test('shortens at the end', () => {
  assert.equal(shortenEnd('timeout, 2 retransmits', 14), 'timeout, 2 re…');
  assert.equal(shortenEnd('timeout', 7), 'timeout');
  assert.equal(shortenEnd('日本語', 5), '日本…');
  assert.equal(shortenEnd('timeout', 0), '');
});

test('pads by columns, not by characters', () => {
  assert.equal(pad('日', 4), '日  ');
  assert.equal(pad('12', 4, true), '  12');
  assert.equal(pad('long', 2), 'long');
});

test('never exceeds the limit, and leaves what fits unchanged', () => {
  const text = fc.string({ unit: fc.constantFrom('a', '.', ':', '4', '日', 'e\u0301', '👩‍👩‍👧', 'é') });
  fc.assert(
    fc.property(text, fc.nat(12), (text, limit) => {
      for (const cut of [shorten(text, limit), shortenEnd(text, limit), clip(text, limit)]) {
        assert.ok(width(cut) <= limit, cut);
        if (width(text) <= limit) assert.equal(cut, text);
      }
      assert.ok(text.startsWith(clip(text, limit)));
    }),
  );
});
