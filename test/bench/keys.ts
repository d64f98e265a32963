/**
 * Measures time and memory of the stages that remember keys, by the number of distinct keys. Each event has a new key, and
 * all are within the time that the stage remembers. Both should be linear and bounded.
 *
 *     node --import tsx test/bench/keys.ts [EVENTS…]
 *
 * The data is made once, into /tmp/synpipe-bench. The table goes to test/bench/runs/keys-RELEASE.md.
 */
import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { timeText } from '../../transforms/aggregate/time.js';
import { connect } from '../support/events.js';
import { cache } from './pipe/data.js';
import { throughput } from './pipe/measure.js';
import { bin } from './pipe/tools.js';

const given = process.argv.slice(2).map(Number);
const counts = given.length > 0 ? given : [30_000, 300_000, 3_000_000];
const begin = Date.UTC(2026, 10, 28) * 1000;
const faults: string[] = [];

/** Writes attempts to `count` addresses, one after another within 9 s. */
function data(count: number): string {
  const path = `${cache}/keys-${count}.ndjson`;
  if (existsSync(path)) return path;
  mkdirSync(cache, { recursive: true });
  const fd = openSync(`${path}.tmp`, 'w');
  let text = '';
  for (let i = 0; i < count; i++) {
    const daddr = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
    const ts = timeText(begin + Math.floor((i / count) * 9e6));
    text += `${JSON.stringify(connect({ seq: i + 1, ts, id: String(i + 1), daddr, dport: 443 }))}\n`;
    if (text.length < 1 << 20 && i < count - 1) continue;
    writeSync(fd, text);
    text = '';
  }
  closeSync(fd);
  renameSync(`${path}.tmp`, path);
  return path;
}

const state = `${cache}/keys-state`;
const stages: Record<string, string[]> = {
  'filter --where': ['filter', '--where', 'daddr =~ "^10[.]1[.]"'],
  dedupe: ['dedupe'],
  'aggregate --by daddr': ['aggregate', '--by', 'daddr'],
  'aggregate --by daddr --every 1s': ['aggregate', '--by', 'daddr', '--every', '1s'],
  'aggregate --new-only': ['aggregate', '--new-only', '--by', 'daddr', '--state', state],
  'enrich --offline': ['enrich', '--offline'],
};
const rows = Object.entries(stages).map(([name, [command = '', ...args]]) => {
  const cells = counts.map((count) => {
    const input = data(count);
    rmSync(state, { force: true });
    const { seconds, rss } = throughput('file', input, [`${bin}${command}`, ...args], faults);
    return `${((seconds / count) * 1e6).toFixed(2)} µs, ${Math.round(rss / 1024)} MB`;
  });
  return `| ${name} | ${cells.join(' | ')} |`;
});
const heads = counts.map((count) => `${count.toLocaleString('en')} keys`).join(' | ');
const table = `| time per event, peak memory | ${heads} |\n|---|${counts.map(() => '---|').join('')}\n${rows.join('\n')}\n`;
console.log(table);
writeFileSync(fileURLToPath(new URL(`runs/keys-${release()}.md`, import.meta.url)), table);
if (faults.length > 0) throw new Error(faults.join('\n'));
