/**
 * `npm run fuzz [-- RUNS [SEED]]`: passes mutated lines through the scanner, and through JSON.parse and ajv. Both must agree.
 * A line on which they disagree is kept in test/fuzz/differences, whose lines the tests run again.
 */
import { appendFileSync } from 'node:fs';
import { PlainScanner } from '../../schemas/pipe/scan/plain.js';
import { WasmScanner } from '../../schemas/pipe/scan/wasm.js';
import { ThreadScanner } from '../support/thread.js';
import { agree, agreeOnOutput, taken } from './agree.js';
import { corpus } from './corpus.js';
import { mutant, Random } from './mutate.js';

const runs = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000_000);
const atOnce = 100;

const scanners = [new PlainScanner(1 << 20, 64), new WasmScanner(1 << 20, 64), new ThreadScanner(1 << 20, 64)];
Error.stackTraceLimit = 0; // most lines are invalid: half of the time went into stack traces
const lines = corpus(seed);
const random = new Random(seed);
let differences = 0;
process.stdout.write(`seed ${seed}, ${lines.length} lines to begin with\n`);
for (let run = 0; run < runs; run += atOnce) {
  const block = Array.from({ length: atOnce }, () => Buffer.from(mutant(lines, random), 'latin1'));
  try {
    agree(scanners, block, 16);
    if (random.below(16) === 0) await agreeOnOutput(block, random);
  } catch {
    for (const line of block) await one(line);
  }
  if (run % 1_000_000 === 0 && run > 0)
    process.stdout.write(`${run} ${JSON.stringify(taken)} ${differences} differences\n`);
}
process.stdout.write(`${runs} runs, ${differences} differences, ${JSON.stringify(taken)}\n`);
process.exitCode = differences > 0 ? 1 : 0;

async function one(line: Buffer): Promise<void> {
  try {
    agree(scanners, [line]);
    await agreeOnOutput([line], random);
  } catch (error) {
    differences++;
    process.stdout.write(`${(error as Error).message}\n`);
    appendFileSync(new URL('differences', import.meta.url), `${line.toString('base64')}\n`);
  }
}
