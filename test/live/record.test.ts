import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { live } from './live.js';
import { record } from './record/record.js';

live('the script that makes the sample still records what it is to show', async () => {
  const lines = readFileSync(await record(6), 'utf8')
    .trim()
    .split('\n');
  const events = lines.map((line) => JSON.parse(line));
  const told = new Set(
    events.map(({ type, comm, name, result }) => [type, comm ?? name ?? '', result].join(' ').trim()),
  );
  for (const one of [
    'outcome curl established',
    'outcome node established',
    'outcome python3 refused',
    'dns db.example.com',
  ])
    assert.ok(told.has(one), `${one} is not in ${[...told].join(', ')}`);
  for (const one of ['outcome python3 denied', 'outcome bash unreachable'])
    assert.ok(told.has(one), `${one} is not in ${[...told].join(', ')}`);
});
