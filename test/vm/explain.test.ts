import { test } from 'node:test';
import { check, lockedDown, type Said, situations } from '../live/situations.js';
import { examine, kernels } from './matrix.js';

// on one kernel only: this tests our own messages
const kernel = kernels.at(-1) as string;

for (const [which, all, append] of [
  ['open', situations, ''],
  ['locked', lockedDown, 'lockdown=confidentiality'],
] as const)
  test(`explains what is missing, ${kernel} ${append}`, { timeout: 900_000 }, async (t) => {
    const said = await examine<Said[]>({ kernel, append }, 'explain.ts', which);
    for (const [i, situation] of all.entries()) await t.test(situation.name, () => check(situation, said[i] as Said));
  });
