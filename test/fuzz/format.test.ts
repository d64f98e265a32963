import { test } from 'node:test';
import { fuzz } from './libfuzzer.js';

const runs = Number(process.env.FUZZ_RUNS ?? 1_000_000);

test(`the formatter makes one canonical line from any record: ${runs} fuzzed ones, under ASan and UBSan`, () => {
  fuzz({ entry: 'format.cc', collector: ['format.cc'], runs, longest: 512 });
});
