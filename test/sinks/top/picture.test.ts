import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { path, picture } from './picture.js';

test('sinks/top/top.svg is what the program shows; UPDATE=1 makes it again', async () => {
  const made = await picture();
  if (process.env.UPDATE === '1') writeFileSync(path, made);
  assert.equal(readFileSync(path, 'utf8'), made);
  for (const what of ['pending', 'refused', 'timeout', 'example.com', 'NXDOMAIN']) assert.ok(made.includes(what), what);
});
