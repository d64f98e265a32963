import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StartError, Tier } from '../../dist/collector/addon.js';
import { explain } from '../../dist/collector/explain.js';

const refusals: [code: string, step: StartError['step'], tier: Tier, remedy: RegExp][] = [
  ['ENOENT', 'open', 'fentry', /^build it/],
  ['ENOENT', 'configure', 'tracepoint', /^name a cgroup v2 folder/],
  ['EOPNOTSUPP', 'drops', 'fentry', /^this needs Linux 5\.17 or newer, with BTF; leave out --drops$/],
  ['ENXIO', 'check', 'kprobe', /inlined; use another tier$/],
  ['ESRCH', 'load', 'fentry', /no function __sys_connect_file; use another tier$/],
  ['E524', 'attach', 'fentry', /x86 can from 5\.5 on, arm64 from 6\.4/],
  ['EOPNOTSUPP', 'attach', 'fentry', /x86 can from 5\.5 on, arm64 from 6\.4/],
  ['ENOENT', 'attach', 'tracepoint', /CONFIG_FTRACE_SYSCALLS$/],
  ['ENODEV', 'attach', 'tracepoint', /no tracefs; boot one that was built with CONFIG_FTRACE$/],
  ['EINVAL', 'load', 'tracepoint', /^the kernel is too old: it needs 5\.13$/],
  ['E2BIG', 'load', 'tracepoint', /^the kernel is too old: it needs 5\.13$/],
  ['ENOMEM', 'load', 'tracepoint', /^free some memory, or raise the memory limit of its cgroup$/],
  ['EIO', 'load', 'tracepoint', /^see synpipe doctor$/],
];

// explanations that depend on the machine are tested in test/live/explain.test.ts and test/vm/explain.test.ts
for (const [code, step, tier, remedy] of refusals)
  test(`${tier}, ${step}: ${code}`, () => {
    const error = Object.assign(new Error(`cannot: ${code}`), { code, step });
    const [cause, ...rest] = explain(error, tier).split('; ');
    assert.equal(cause, `cannot: ${code}`);
    assert.match(rest.join('; '), remedy);
  });
