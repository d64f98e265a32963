import { live } from './live.js';
import { check, make, situations } from './situations.js';

// the other situations need a machine on which the better tiers work: test/vm/explain.test.ts
for (const situation of situations.filter(({ tier }) => !tier))
  live(situation.name, async () => check(situation, make(situation)));
