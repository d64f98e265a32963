import { test } from 'node:test';
import { fuzz } from './libfuzzer.js';

const runs = Number(process.env.FUZZ_RUNS ?? 1_000_000);

test(`the formatter makes one canonical line from any record: ${runs} fuzzed ones, under ASan and UBSan`, () => {
  fuzz({
    entry: 'format.cc',
    collector: ['format.cc', 'drop_names.cc', 'event_names.cc'],
    libraries: ['-lbpf'],
    runs,
    longest: 512,
  });
});
