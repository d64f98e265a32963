import type { Counts } from './counts.js';
import type { Group, Tally } from './group.js';
import type { Histogram } from './histogram.js';

/** One number or histogram of a family, with its labels. */
export interface Point {
  /** The group; undefined for what is counted without labels of events. */
  group: Group | undefined;
  /** Labels that the group does not have, by the name of the event's field. */
  more: Record<string, string>;
  value: number | Histogram;
}

/** A metric and all its points. */
export interface Family {
  /** The name in OpenTelemetry. */
  name: string;
  /** The unit in OpenTelemetry. */
  unit: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  points: Point[];
}

type Part = Omit<Point, 'group'>;

/** The metrics of a group. `points` returns none for what the group has no events for. */
const ofGroups: (Omit<Family, 'points'> & { points(group: Group, waiting: number): Part[] })[] = [
  {
    name: 'synpipe.attempts',
    unit: '{attempt}',
    type: 'counter',
    help: 'Attempts that have ended.',
    points: ({ attempts }) => tallied(attempts, 'result', 'error'),
  },
  {
    name: 'synpipe.pending_attempts',
    unit: '{attempt}',
    type: 'gauge',
    help: 'Attempts that have waited for a second or more and have not ended.',
    points: ({ hasAttempts }, waiting) => some(waiting, hasAttempts || waiting > 0),
  },
  {
    name: 'synpipe.connect.latency',
    unit: 's',
    type: 'histogram',
    help: 'Time from the call to the established connection.',
    points: ({ latency }) => some(latency, latency.count > 0),
  },
  {
    name: 'synpipe.syn_retransmits',
    unit: '{packet}',
    type: 'counter',
    help: 'SYNs of ended attempts that were sent again.',
    points: ({ synRetransmits, hasAttempts }) => some(synRetransmits, hasAttempts),
  },
  {
    name: 'synpipe.dropped_packets',
    unit: '{packet}',
    type: 'counter',
    help: 'Packets of ended attempts that the kernel of this machine dropped (collector --drops), by the last reason.',
    points: ({ droppedPackets }) => tallied(droppedPackets, 'drop_reason'),
  },
  {
    name: 'synpipe.closed_connections',
    unit: '{connection}',
    type: 'counter',
    help: 'Connections that have ended (collector --report outcome,closed).',
    points: ({ closed }) => tallied(closed, 'closed_by'),
  },
  {
    name: 'synpipe.connection.duration',
    unit: 's',
    type: 'histogram',
    help: 'How long connections were established that have ended.',
    points: ({ duration }) => some(duration, duration.count > 0),
  },
  {
    name: 'synpipe.sent',
    unit: 'By',
    type: 'counter',
    help: 'Payload sent by connections that have ended, and with collector --every by open ones.',
    points: ({ sent, hasConnections }) => some(sent, hasConnections),
  },
  {
    name: 'synpipe.received',
    unit: 'By',
    type: 'counter',
    help: 'Payload received by connections that have ended, and with collector --every by open ones.',
    points: ({ received, hasConnections }) => some(received, hasConnections),
  },
  {
    name: 'synpipe.failed_lookups',
    unit: '{lookup}',
    type: 'counter',
    help: 'Look-ups that have failed (collector --dns).',
    points: ({ failedLookups }) => tallied(failedLookups, 'error'),
  },
];

/** Returns all metrics that have a point. */
export function familiesOf(counts: Counts, now: number): Family[] {
  const { groups, waiting, lost } = counts;
  const waitingOf = waiting.count(groups.other, now);
  const families = ofGroups.map(({ points, ...family }) => ({
    ...family,
    points: [...groups.all].flatMap((group) =>
      points(group, waitingOf.get(group) ?? 0).map((part): Point => ({ group, ...part })),
    ),
  }));
  families.push({
    name: 'synpipe.lost_events',
    unit: '{event}',
    type: 'counter',
    help: 'Events that were lost on their way here.',
    points: tallied(lost, 'stage', 'where').map((part) => ({ group: undefined, ...part })),
  });
  return families.filter(({ points }) => points.length > 0);
}

const some = (value: number | Histogram, exists: boolean): Part[] => (exists ? [{ more: {}, value }] : []);

/** Returns a part for each key of a tally. */
function tallied(tally: Tally, first: string, second = ''): Part[] {
  return [...tally].map(([key, value]) => {
    const at = key.indexOf('\n');
    if (!second || at < 0 || at === key.length - 1) return { more: { [first]: key }, value };
    return { more: { [first]: key.slice(0, at), [second]: key.slice(at + 1) }, value };
  });
}
