import fc from 'fast-check';
import { canonical } from '../../schemas/pipe/line/canonical.js';
import { eventOf, eventTypes, schemaOf } from '../support/arbitrary.js';

/** Good lines to begin with, drawn from the schemas, more of the types that are frequent. As latin1, to be changed. */
export function corpus(seed: number): string[] {
  const shares: Record<string, number> = { outcome: 600, pending: 400, connect: 400, dns: 200 };
  return eventTypes.flatMap((type) =>
    fc
      .sample(eventOf(schemaOf(type)), { numRuns: shares[type] ?? 100, seed })
      .map((event) => Buffer.from(canonical(event)).toString('latin1')),
  );
}
