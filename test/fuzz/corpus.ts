import fc from 'fast-check';
import { canonical } from '../../schemas/pipe/line/canonical.js';
import { eventOf, eventTypes, schemaOf } from '../support/arbitrary.js';

/** Valid lines to start from, drawn from the schemas, with more of the frequent types. As latin1, to be mutated. */
export function corpus(seed: number): string[] {
  const shares: Record<string, number> = { outcome: 600, pending: 400, connect: 400, dns: 200 };
  return eventTypes.flatMap((type) =>
    fc
      .sample(eventOf(schemaOf(type)), { numRuns: shares[type] ?? 100, seed })
      .map((event) => Buffer.from(canonical(event)).toString('latin1')),
  );
}
