import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { examine, kernels } from './matrix.js';
import type { Comparison, Side } from './peers.js';

const file = fileURLToPath(new URL('PEERS.md', import.meta.url));
const words = `# Side by side with the originals

One run on each kernel, in which our collector (with its two better tiers) and the original tools watch the same attempts. Every
line of an original is among our events, with the same pid, comm (cut to 12 bytes if the original cuts it), addresses and
ports. Our latency runs from the call to the change of state, tcpconnlat's between two functions inside that span: ours is
never shorter, and it includes the probes of all tools.

tcpconnect.bt prints a connect that hangs when its SYN is sent, \`collector --report attempt\` at most 100 ms later. The table
has the median of nine.

\`npm run test:vm\` checks this page; \`UPDATE=1 npm run test:vm\` writes it.
`;

const median = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[numbers.length >> 1] as number;
const ratios = ({ latencies }: Side) => latencies.map(([ours, theirs]) => ours / Math.max(theirs, 1));

function row(name: string, { lines, latencies, ...side }: Side): string {
  const timed = latencies.length > 0 ? median(ratios({ lines, latencies, ...side })).toFixed(2) : '';
  return `| ${[name.replace(', ', ' | '), lines, lines - side.unmatched.length, timed].join(' | ')} |\n`;
}

/** What the original has no line for: the same whichever tier it is held against. */
function omissions(name: string, { omitted }: Side): string {
  const list = Object.entries(omitted).map(([reason, by]) => {
    const which = Object.entries(by).map(([one, times]) => (times > 1 ? `${one} (${times})` : one));
    return `- ${reason}: ${which.join('; ')}\n`;
  });
  return `${name.split(',')[0]} does not print:\n${list.join('')}`;
}

const raced = (later: Comparison['later']) =>
  Object.entries(later)
    .map(([tier, ms]) => `| ${tier} | ${median(ms)} ms |\n`)
    .join('');

const report = (kernel: string, sides: [string, Side][], later: Comparison['later']) => `
## ${kernel}

| tier | delay of our line after tcpconnect.bt's, for a connect that hangs |
| --- | --- |
${raced(later)}
| original | tier | its lines | also in ours | our latency / its latency (median) |
| --- | --- | --- | --- | --- |
${sides.map(([name, side]) => row(name, side)).join('')}
${[...new Set(sides.map(([name, side]) => omissions(name, side)))].join('\n')}`;

/** It prints hundredths of a millisecond. */
const resolution = 10;

let text = words;
for (const kernel of kernels) {
  test(`the originals and ours on the same attempts, ${kernel}`, { timeout: 1_200_000 }, async () => {
    const comparison = await examine<Comparison>(kernel, 'peers.ts');
    const sides = Object.entries(comparison.sides);
    const section = report(kernel, sides, comparison.later);
    console.log(section, JSON.stringify(comparison.later));
    for (const [tier, ms] of Object.entries(comparison.later))
      assert.ok(ms.length === 9 && median(ms) <= 100, `${tier}: ${ms} ms after tcpconnect.bt`);
    for (const [name, side] of sides) {
      assert.ok(side.lines > 20, `${name}: ${side.lines} lines`);
      assert.deepEqual(side.unmatched, [], `${name} prints what we do not`);
      assert.deepEqual(side.omitted.unknown, undefined, `${name} does not print what it should`);
      // ours begins before its, at the call, and ends after it, when the state has changed
      for (const [ours, theirs] of side.latencies) assert.ok(ours > theirs - resolution, `${ours} and ${theirs} µs`);
      if (side.latencies.length > 0) assert.ok(median(ratios(side)) < 3, `${name}: ${ratios(side)}`);
    }
    text += section;
    if (process.env.UPDATE === '1') writeFileSync(file, text);
  });
}
