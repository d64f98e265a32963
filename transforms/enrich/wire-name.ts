import type { NameChoice } from './choose.js';
import { member, namesText } from './text.js';

/** The fields of a name from a dns event: those before and after its age. */
export interface WireName {
  /** When the answer came, in microseconds since 1970. */
  at: number;
  before: string;
  after: string;
}

export function wireName({ answers, cut, scope }: NameChoice): WireName | undefined {
  const [best] = answers;
  if (!best) return undefined;
  const guess = answers.length > 1 || cut ? ',"name_ambiguous":true' : '';
  const latency = best.latency === undefined ? '' : `,"dns_latency_us":${best.latency}`;
  const names = namesText(
    answers.map(({ name }) => name),
    cut,
  );
  return {
    at: best.at,
    before: `${member('name', best.name)},"name_source":"dns","name_scope":"${scope}"${guess},"name_age_ms":`,
    after: names + latency,
  };
}

export function wireText({ at, before, after }: WireName, attempt: number): string {
  return `${before}${age(at, attempt)}${after}`;
}

/** Returns the time from the answer to the attempt, in whole milliseconds. */
export function age(answer: number, attempt: number): number {
  return Math.floor((attempt - answer) / 1000);
}
