import { test } from 'node:test';
import { oddities } from '../support/oddities.js';
import { corpus } from './corpus.js';
import { fuzz } from './libfuzzer.js';

const runs = Number(process.env.FUZZ_RUNS ?? 200_000);

test(`the scanner handles lines of any bytes: ${runs} fuzzed inputs, under ASan and UBSan`, () => {
  const lines = [
    ...corpus(3).map((line) => Buffer.from(line, 'latin1')),
    ...Object.values(oddities).map(([one]) => one),
  ];
  const seeds = lines.filter((line) => line.length < 2000);
  fuzz({ entry: 'lines.c', runs, longest: 2048, seeds });
});
