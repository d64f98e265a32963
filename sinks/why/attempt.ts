import type { Closed, Connect, Dns, Open, Outcome, Pending } from '../../schemas/generated/events.js';

/** What is known of one attempt: its events, and the look-up of its name. */
export interface Attempt {
  connect?: Connect;
  /** The newest one. */
  pending?: Pending;
  outcome?: Outcome;
  /** The newest one. */
  open?: Open;
  closed?: Closed;
  lookup?: Dns | undefined;
  /** What was shown while it was waiting. */
  shown?: Pending;
  /** Whether one of its events has been selected. */
  matches: boolean;
}

export type AttemptEvent = Connect | Pending | Outcome | Open | Closed;

/** Returns the attempt's event that says most. */
export function mainOf({ closed, open, outcome, pending, connect }: Attempt): AttemptEvent {
  return (outcome ?? pending ?? connect ?? closed ?? open) as AttemptEvent;
}

/** Returns whether nothing more can come about an attempt. */
export function isOver({ outcome, closed, connect }: Attempt): boolean {
  if (closed) return true;
  return outcome ? outcome.result !== 'established' : connect?.error !== undefined && connect.error !== 'EINPROGRESS';
}

/** Returns when the call was made, in µs since 1970. */
export function callTime(attempt: Attempt): number {
  const { outcome, pending, connect, closed, open } = attempt;
  const start = outcome?.start ?? pending?.start ?? connect?.ts ?? closed?.start ?? open?.start;
  if (start !== undefined) return micros(start);
  return outcome ? micros(outcome.ts) - outcome.latency_us : micros((closed ?? open ?? { ts: '' }).ts);
}

/** Parses a time (RFC 3339, UTC, microseconds). Returns µs since 1970. */
export function micros(ts: string): number {
  return Date.parse(`${ts.slice(0, 19)}Z`) * 1_000 + Number(ts.slice(20, 26));
}

/** Returns the name of the process, or of the thread if only that is known. */
export function whoOf({ pcomm, comm }: { pcomm?: string; comm?: string }): string {
  return pcomm ?? comm ?? 'an unknown process';
}
