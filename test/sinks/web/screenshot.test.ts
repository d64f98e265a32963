import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { folder } from '../../support/process.js';
import { root } from '../../support/shell.js';
import { screenshot } from './screenshot.js';

/** The width and height of a PNG. */
const size = (path: string) => [16, 20].map((at) => readFileSync(path).readUInt32BE(at));

test("the script that makes sinks/README's picture still makes it", async (t) => {
  const path = join(folder(t), 'page.png');
  const sample = readFileSync(`${root}dist/collector/replay/sample.ndjson`, 'utf8');
  assert.equal(await screenshot(path), sample.match(/^\{"type":"outcome"/gm)?.length);
  assert.deepEqual(size(path), [1200, 760]);
  assert.deepEqual(size(`${root}sinks/web/screenshot.png`), size(path));
});
