import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sorted, wanted } from '../live/questions.js';
import type { DnsReport } from './dns.js';
import { examine, kernels } from './matrix.js';

for (const kernel of kernels)
  test(`collector --dns | enrich finds all names that bcc's tcpconnect -d finds, ${kernel}`, {
    timeout: 1_200_000,
  }, async () => {
    const report = await examine<DnsReport>(kernel, 'dns.ts');
    assert.deepEqual(report.told, wanted.map(sorted));
    assert.equal(report.lost, 0);
    const both = (name: string, more: string | boolean) => ['A', 'AAAA'].map((type) => [name, type, 'NXDOMAIN', more]);
    assert.deepEqual(
      report.failures.sort(),
      [
        ...['api.test', 'gone.test'].flatMap((name) => both(`${name}.cluster.local`, true)),
        ...['api.test', 'gone.test'].flatMap((name) => both(`${name}.svc.cluster.local`, true)),
        ...both('gone.test', 'getent'),
        ['silent.test', 'A', 'TIMEOUT', 'dig'],
      ].sort(),
    );
    assert.equal(report.asked, true);
    const [nspid] = report.inside;
    assert.ok(nspid !== undefined);
    assert.deepEqual(report.inside, [nspid, nspid]);
    const each = Array.from({ length: 20 }, (_, i) => [1000 + i, `n${i}.each.example.test`, 'dns']);
    const www = Array.from({ length: 3 }, () => [81, 'www.example.test', 'dns']);
    assert.deepEqual(report.attempts, [...www, ...each]);
    assert.deepEqual(report.slow, ['one.example.test', null, { late: 1 }]);
    if (!report.theirs) return;
    console.log(`${report.theirs.lines} lines of bcc's tool have a name`);
    assert.deepEqual(report.theirs.missing, []);
    assert.ok(report.theirs.lines > 0);
  });
