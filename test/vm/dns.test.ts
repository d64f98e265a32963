import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sorted, wanted } from '../live/questions.js';
import type { DnsReport } from './dns.js';
import { examine, kernels } from './matrix.js';

for (const kernel of kernels)
  test(`collector --dns, and the names of bcc's tcpconnect -d among its own, ${kernel}`, {
    timeout: 1_200_000,
  }, async () => {
    const report = await examine<DnsReport>(kernel, 'dns.ts');
    assert.deepEqual(report.told, wanted.map(sorted));
    assert.deepEqual([report.lost, report.unnamed, report.attempts], [0, [], 23]);
    if (!report.theirs) return;
    console.log(`${report.theirs.lines} lines of bcc's tool have a name`);
    assert.deepEqual(report.theirs.missing, []);
    assert.ok(report.theirs.lines > 0);
  });
