import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { live } from './live.js';
import { record } from './record/record.js';

const wanted = [
  ...[
    'outcome curl established',
    'outcome node established',
    'outcome python3 refused',
    'dns db.example.com',
    'dns old-billing.example.com NXDOMAIN',
  ],
  ...['outcome python3 denied', 'outcome bash unreachable'],
];

live('the script that makes the sample still records what it must show', async () => {
  const kinds = (lines: string[]) =>
    new Set(
      lines
        .map((line) => JSON.parse(line))
        .map(({ type, comm, name, result, rcode }) =>
          [type, (type === 'dns' ? name : comm) ?? '', type === 'dns' && rcode !== 'NOERROR' ? rcode : result]
            .join(' ')
            .trim(),
        ),
    );
  const missing = (lines: string[]) => wanted.filter((one) => !kinds(lines).has(one));
  const path = await record(60, (lines) => missing(lines).length === 0);
  assert.deepEqual(missing(readFileSync(path, 'utf8').trim().split('\n')), []);
});
