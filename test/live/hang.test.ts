import { hangAround, port } from './hang.js';
import { linked } from './linked.js';

const collectors = [
  { report: 'outcome', args: [] },
  { report: 'both', args: [] },
  { report: 'outcome', args: ['--dns'] },
] as const;

linked(
  "attempts that hang before, during and after a collector's life, killed, answered or not",
  async (net, other) => {
    await other.serve(port);
    await hangAround(net, collectors);
  },
);
