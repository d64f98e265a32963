import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Report } from './conformance.js';
import { examine, kernels, markdown, parse, tableOf } from './matrix.js';

const file = fileURLToPath(new URL('CONFORMANCE.md', import.meta.url));
const reports: Report[] = [];
/** Why fentry does not work on a kernel. */
const lacking: Record<string, RegExp> = {
  '6.1-arm64': /cannot attach to functions this way \(.*arm64 from 6\.4\); use another tier$/,
};

const words = `# Conformance

Each case runs once on each kernel, with each \`--report\`, while all tiers that work there watch it. \`=\` means that all fields
of all its connect, pending and outcome events are right, in the right order. The other cells are documented limits of a tier:

- \`no errno\`: the tier sees only the SYN, not the call's result; the outcome has it.
- \`no icmp\`: \`result\` and \`errno\` are right, but \`icmp\` and \`icmp_from\` are missing; the tracepoint tier reads them
  only over IPv4.
- \`not seen\`: no event, because the attempt failed before a SYN was sent, in a call that the tier does not hook.
- \`n/a\`: the tier does not work on that machine; \`doctor\` reports why.

How connections end, and why packets are dropped, has no such limits: \`closed.test.ts\` and \`drops.test.ts\` try each way on 6.1
and 6.12 (on 6.12-arm64 too, if it is named), and demand the same of all tiers.

\`npm run test:vm\` checks this page; \`UPDATE=1 npm run test:vm\` writes it. 6.18 is the machine on which the guests ran.
The columns without arm64 are x86-64; 6.12-rt is Debian's real-time kernel, 7.2 that of its unstable release (\`sid\`). On arm64,
functions can be hooked by fentry from 6.4 on. \`SYNPIPE_VM_KERNELS='sid 6.12-rt'\` chooses the kernels.
`;

describe('conformance', () => {
  for (const kernel of [undefined, ...kernels]) {
    test(`the same events from every tier, ${kernel ?? 'this machine'}`, { timeout: 1_200_000 }, async () => {
      const report = await examine<Report>(kernel, 'conformance.ts');
      reports.push(report);
      const wrong = Object.entries(report.table).flatMap(([name, cells]) =>
        Object.entries(cells)
          .filter(([, verdict]) => verdict.startsWith('wrong') || (kernel && verdict.startsWith('cannot')))
          .map(([tier, verdict]) => `${name}, ${tier}: ${verdict}`),
      );
      assert.deepEqual(wrong, []);
      if (kernel) {
        assert.deepEqual(Object.keys(report.missing), lacking[kernel] ? ['fentry'] : []);
        if (lacking[kernel]) assert.match(report.missing.fentry ?? '', lacking[kernel]);
      }
      assert.ok(Object.keys(report.missing).length < 3, JSON.stringify(report.missing));
    });
  }

  test('the table matches CONFORMANCE.md', () => {
    const table = tableOf(reports);
    console.log(markdown(table));
    if (process.env.UPDATE === '1') {
      const all = new Map([...parse(readFileSync(file, 'utf8')), ...table]); // the columns of other kernels stay
      writeFileSync(file, `${words}\n${markdown(all)}\n`);
    }
    const text = readFileSync(file, 'utf8');
    assert.ok(text.startsWith(words));
    const kept = parse(text);
    for (const [column, rows] of table) {
      const here = kept.get(column);
      // on another machine than the one that wrote it
      if (!here && !kernels.some((kernel) => column.startsWith(`${kernel} `))) continue;
      assert.ok(here, `no column ${column}: UPDATE=1 writes it`);
      // skip what this machine cannot do at all; in a guest, that is a failure (above)
      for (const [row, cell] of rows) if (cell.startsWith('cannot')) rows.set(row, here.get(row) as string);
      assert.deepEqual(rows, here, `${column}: UPDATE=1 rewrites it`);
    }
  });
});
