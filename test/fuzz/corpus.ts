import fc from 'fast-check';
import { canonical } from '../../schemas/pipe/line/canonical.js';
import type { AnyEvent } from '../../schemas/pipe/line/line.js';
import { ecsOf } from '../../transforms/to-ecs.js';
import { otelOf } from '../../transforms/to-otel.js';
import { eventOf, eventTypes, schemaOf } from '../support/arbitrary.js';

const ts = '2026-11-23T08:15:30.123456Z';

/**
 * Valid lines to start from, drawn from the schemas, with more of the frequent types, and outcomes as to-ecs and to-otel convert
 * them. As latin1, to be mutated.
 */
export function corpus(seed: number): string[] {
  const shares: Record<string, number> = { outcome: 600, pending: 400, connect: 400, dns: 200 };
  const sample = (type: string, numRuns: number) => fc.sample(eventOf(schemaOf(type)), { numRuns, seed });
  const converted = [ecsOf, otelOf].flatMap((convert) =>
    sample('outcome', 100).map((event) => convert(event as unknown as AnyEvent, ts)),
  );
  return [...eventTypes.flatMap((type) => sample(type, shares[type] ?? 100)), ...converted].map((event) =>
    Buffer.from(canonical(event)).toString('latin1'),
  );
}
