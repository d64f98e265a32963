import assert from 'node:assert/strict';
import { release } from 'node:os';
import { test } from 'node:test';
import { preempts, ranked } from '../../collector/preemption.js';

const dynamic = '#1 SMP PREEMPT_DYNAMIC Debian 6.12.117-1 (2026-08-01)';
const modes = '/sys/kernel/debug/sched/preempt';
const config = `/boot/config-${release()}`;

for (const [kernel, files, expected] of [
  ['#1 SMP Debian 5.10.1', { [modes]: '(full)' }, false],
  ['#1 SMP PREEMPT Arch', {}, true],
  ['#1 SMP PREEMPT_RT Debian', {}, true],
  [dynamic, { [modes]: 'none (voluntary) full \n', '/proc/cmdline': 'preempt=full' }, false],
  [dynamic, { [modes]: 'none voluntary (full) \n' }, true],
  [dynamic, { [modes]: 'full (lazy) \n' }, true],
  [dynamic, { '/proc/cmdline': 'quiet preempt=none\n', [config]: 'CONFIG_PREEMPT=y\n' }, false],
  [dynamic, { '/proc/cmdline': 'quiet preempt=full\n', [config]: 'CONFIG_PREEMPT_NONE=y\n' }, true],
  [dynamic, { '/proc/config.gz': '# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT_VOLUNTARY=y\n' }, false],
  [dynamic, { [config]: '# CONFIG_PREEMPT_NONE is not set\nCONFIG_PREEMPT=y\n' }, true],
  [dynamic, {}, true],
] as [string, Record<string, string>, boolean][])
  test(`${kernel} ${JSON.stringify(files)}: ${expected ? 'preempts' : 'does not preempt'}`, () => {
    assert.equal(
      preempts(kernel, (path) => files[path] ?? ''),
      expected,
    );
  });

for (const [kernel, series, expected] of [
  ['#1 SMP Debian', '6.12.0', []],
  ['#1 SMP PREEMPT', '6.12.0', ['fentry']],
  ['#1 SMP PREEMPT', '7.0.0', ['fentry', 'tracepoint']],
] as [string, string, string[]][])
  test(`the tiers that miss attempts on ${series}, ${kernel}: ${expected.join(', ') || 'none'}`, () => {
    assert.deepEqual(Object.keys(ranked(kernel, () => '', series).misses), expected);
  });
