import { toUSVString } from 'node:util';
import type { Line } from '../../schemas/pipe/line/line.js';
import { LineField } from '../../schemas/pipe/line/line-field.js';
import { durationBounds, Histogram, latencyBounds, plus } from './histogram.js';

/** At most this many results, errors and reasons are counted separately in one group. The collector has fewer. */
const mostKinds = 50;
export const otherText = 'other';

const field = (name: string) => new LineField(name);
const [result, error, closedBy, dropReason, search] = ['result', 'error', 'closed_by', 'drop_reason', 'search'].map(
  field,
) as Five;
const [latency, duration, retransmits, dropCount, repeat] = [
  ...['latency_us', 'duration_us', 'retransmits', 'drop_count', 'repeat'].map(field),
] as Five;
const [sent, received, sentDelta, receivedDelta, existing] = [
  ...['bytes_sent', 'bytes_received', 'sent_delta', 'received_delta', 'existing'].map(field),
] as Five;
type Five = [LineField, LineField, LineField, LineField, LineField];

/** Returns the key of a tally for one or two texts. */
export const keyOf = (first: string, second = '') => (second ? `${first}\n${second}` : first);

/** Counts by one or two texts, such as a result and its error. */
export class Tally extends Map<string, number> {
  add(key: string, times: number): void {
    const count = this.get(key);
    if (count === undefined) this.#addNew(toUSVString(key), times);
    else this.set(key, plus(count, times));
  }

  #addNew(key: string, times: number): void {
    const known = this.has(key) || this.size < mostKinds ? key : otherText;
    this.set(known, plus(this.get(known) ?? 0, times));
  }
}

/** The numbers of the events that have the same labels. None of them ever decreases. */
export class Group {
  /** By `result` and, if there is one, `error`. */
  readonly attempts = new Tally();
  readonly latency = new Histogram(latencyBounds);
  synRetransmits = 0;
  /** Whether an attempt has ended or waited. */
  hasAttempts = false;
  readonly droppedPackets = new Tally();
  readonly closed = new Tally();
  readonly duration = new Histogram(durationBounds);
  /** Bytes. */
  sent = 0;
  received = 0;
  hasConnections = false;
  readonly failedLookups = new Tally();
  /** When it had its last event, and whether it has lost its place since. */
  usedAt = 0;
  gone = false;

  constructor(
    /** The texts of the labels; empty for a label that the events do not have. */
    readonly labels: readonly string[],
    /** When counting began, in ms since 1970. */
    readonly since: number,
  ) {}

  outcome(line: Line): void {
    this.hasAttempts = true;
    const times = countOf(line, repeat) || 1;
    const ending = line.text(result) ?? '';
    this.attempts.add(keyOf(ending, line.text(error)), times);
    if (ending === 'established' && line.number(latency) >= 0) this.latency.add(countOf(line, latency), times);
    this.synRetransmits = plus(this.synRetransmits, countOf(line, retransmits) * times);
    const dropped = countOf(line, dropCount);
    if (dropped > 0) this.droppedPackets.add(line.text(dropReason) ?? '', dropped * times);
  }

  /**
   * Adds a closed or open event. With `--every`, each has the bytes since the one before it. The first event about a connection
   * from before the start has no such number: if it is still open, its bytes are not added.
   */
  connection(line: Line): void {
    const isOpen = line.type === 'open';
    const bytes = (total: LineField, delta: LineField) => {
      if (line.locate(delta)) return countOf(line, delta);
      return isOpen && line.locate(existing) ? 0 : countOf(line, total);
    };
    this.hasConnections = true;
    this.sent = plus(this.sent, bytes(sent, sentDelta));
    this.received = plus(this.received, bytes(received, receivedDelta));
    if (isOpen) return;
    this.closed.add(line.text(closedBy) ?? '', 1);
    if (line.number(duration) >= 0) this.duration.add(countOf(line, duration), 1);
  }

  failedLookup(line: Line): void {
    this.failedLookups.add(line.text(error) ?? '', countOf(line, repeat) || 1);
  }
}

/** Returns whether a look-up has failed. One that fails because of a search list is normal. */
export const hasFailed = (lookup: Line): boolean => lookup.locate(error) && !lookup.locate(search);

/** Returns a field's number; 0 if the field is missing or, which is possible with --lenient, not a number that can be counted. */
export function countOf(line: Line, of: LineField): number {
  const value = line.number(of);
  return value > 0 && Number.isSafeInteger(value) ? value : 0;
}
