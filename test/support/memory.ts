import type { Input } from '../../schemas/pipe/io/input.js';
import { Ledger } from '../../schemas/pipe/stage/ledger.js';
import type { Stage } from '../../schemas/pipe/stage/stage.js';
import { drive } from './drive.js';

/** An input that returns these pieces, one per read (a larger one in parts). */
export function inputOf(pieces: readonly Buffer[]): Input {
  const left = pieces.filter((piece) => piece.length > 0);
  return {
    async read(into) {
      const next = left.shift();
      if (!next) return 0;
      const taken = next.copy(into);
      if (taken < next.length) left.unshift(next.subarray(taken));
      return taken;
    },
  };
}

export interface Run {
  out: string;
  ledger: Ledger;
  bad: { number: number; reason: string; raw: Buffer }[];
}

/** Runs a stage over pieces of input in memory. Collects invalid lines. */
export async function runStage(stage: Stage, pieces: readonly Buffer[], withStatus = false): Promise<Run> {
  const ledger = new Ledger();
  const bad: Run['bad'] = [];
  const policy = {
    line: (number: number, reason: string, raw: Buffer) => void bad.push({ number, reason, raw: Buffer.from(raw) }),
    end: () => true,
  };
  const out: Buffer[] = [];
  for await (const bytes of drive(stage, inputOf(pieces), policy, ledger, withStatus)) out.push(Buffer.from(bytes));
  return { out: Buffer.concat(out).toString(), ledger, bad };
}
