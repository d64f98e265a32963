import { version } from '../../generated/version.js';
import type { InputStats } from '../run/progress/input-stats.js';
import type { Ledger } from '../stage/ledger.js';
import { labelled, type Metric, metric } from './text.js';

/** What there is to measure of a command. */
export interface Measured {
  command: string;
  /** Its place among those of this process, from 1. */
  stage: number;
  ledger: Partial<Ledger>;
  /** Events that it holds. */
  held?: number | undefined;
  /** Bytes that it holds. */
  heldBytes?: number | undefined;
  /** What it alone has. */
  more?: readonly Metric[];
}

const events = {
  in: 'Events that came in.',
  out: 'Events that went on, or were stored by a sink.',
  filtered: 'Events that were held back on purpose.',
  invalid: 'Lines that were no valid events.',
  lost: 'Events that could not be delivered, and lines that were no valid events.',
} as const;

export function metricsOf({ command, stage, ledger, held, heldBytes, more = [] }: Measured): Metric[] {
  const counters = Object.entries(events).map(([name, help]) =>
    metric(`synpipe_events_${name}_total`, 'counter', help, ledger[name as keyof Ledger]),
  );
  const queue = metric('synpipe_queue_events', 'gauge', 'Events held: not yet passed on, nor stored.', held);
  const where = "Bytes held: in memory, in a spool, in the collector's ring buffer.";
  const bytes = metric('synpipe_queue_bytes', 'gauge', where, heldBytes);
  return labelled([...counters, queue, bytes, ...more], { command, stage: String(stage) });
}

/** Of what a process has read. */
export function inputMetrics({ read, lost, lag }: InputStats): Metric[] {
  const age = 'How old the newest event was when it was read, by its own time.';
  return [
    metric('synpipe_input_bytes_total', 'counter', 'Bytes read.', read),
    metric('synpipe_upstream_lost_events_total', 'counter', 'Events that lost events in the input tell of.', lost),
    metric('synpipe_lag_seconds', 'gauge', age, lag === undefined ? undefined : lag / 1000),
  ];
}

export const buildInfo = (): Metric => ({
  ...metric('synpipe_build_info', 'gauge', 'Always 1; the version is its label.', 1),
  samples: [{ labels: { version }, value: 1 }],
});

/** What Prometheus' own libraries say of a process. In a text file these would be taken for node_exporter's. */
export function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  const began = Math.round(Date.now() - process.uptime() * 1000) / 1000;
  return [
    metric('process_cpu_seconds_total', 'counter', 'CPU time of this process.', (user + system) / 1e6),
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory of this process.', process.memoryUsage.rss()),
    metric('process_start_time_seconds', 'gauge', 'When this process began, since 1970.', began),
  ];
}
