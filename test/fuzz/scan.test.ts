import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PlainScanner } from '../../schemas/pipe/scan/plain.js';
import { WasmScanner } from '../../schemas/pipe/scan/wasm.js';
import { ThreadScanner } from '../support/thread.js';
import { agree, agreeOnOutput } from './agree.js';
import { corpus } from './corpus.js';
import { mutant, Random } from './mutate.js';

const scanners = [new PlainScanner(1 << 20, 64), new WasmScanner(1 << 20, 64), new ThreadScanner(1 << 20, 64)];
const runs = Number(process.env.FUZZ_RUNS ?? 20_000);

test(`scanners and JSON.parse with ajv agree on ${runs} mutated lines`, async () => {
  const lines = corpus(1);
  const random = new Random(1);
  for (let run = 0; run < runs; run += 100) {
    const block = Array.from({ length: 100 }, () => Buffer.from(mutant(lines, random), 'latin1'));
    agree(scanners, block, 8);
    if (run % 1000 === 0) await agreeOnOutput(block, random);
  }
});

test('they agree on every line on which they once disagreed', () => {
  const file = new URL('differences', import.meta.url);
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1) : [];
  for (const line of lines) agree(scanners, [Buffer.from(line, 'base64')]);
});
