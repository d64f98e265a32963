import { version } from '../../generated/version.js';
import type { InputStats } from '../io/input-stats.js';
import type { Ledger } from '../stage/ledger.js';
import { labelled, type Metric, metric } from './text.js';

/** The numbers of one stage. */
export interface Measured {
  command: string;
  /** Its position among the stages of this process, from 1. */
  stage: number;
  ledger: Partial<Ledger>;
  /** The number of events it holds. */
  held?: number | undefined;
  /** The number of bytes it holds. */
  heldBytes?: number | undefined;
  /** Metrics that only this command has. */
  more?: readonly Metric[];
}

const events = {
  in: 'Events read.',
  out: 'Events passed on, or stored by a sink.',
  filtered: 'Events dropped on purpose.',
  invalid: 'Invalid lines.',
  lost: 'Events that could not be delivered, and invalid lines.',
} as const;

export function metricsOf({ command, stage, ledger, held, heldBytes, more = [] }: Measured): Metric[] {
  const counters = Object.entries(events).map(([name, help]) =>
    metric(`synpipe_events_${name}_total`, 'counter', help, ledger[name as keyof Ledger]),
  );
  const queue = metric('synpipe_queue_events', 'gauge', 'Events held: not yet passed on or stored.', held);
  const where = "Bytes held: in memory, in a spool, in the collector's ring buffer.";
  const bytes = metric('synpipe_queue_bytes', 'gauge', where, heldBytes);
  return labelled([...counters, queue, bytes, ...more], { command, stage: String(stage) });
}

/** Returns the metrics of a process's input. */
export function inputMetrics({ read, lost, lag }: InputStats): Metric[] {
  const age = 'Age of the newest event when it was read, by its timestamp.';
  return [
    metric('synpipe_input_bytes_total', 'counter', 'Bytes read.', read),
    metric('synpipe_upstream_lost_events_total', 'counter', 'Events counted by lost events in the input.', lost),
    metric('synpipe_lag_seconds', 'gauge', age, lag === undefined ? undefined : lag / 1000),
  ];
}

export const buildInfo = (): Metric => ({
  ...metric('synpipe_build_info', 'gauge', 'Always 1; the version is its label.', 1),
  samples: [{ labels: { version }, value: 1 }],
});

/** Returns the process metrics of Prometheus libraries. Not for text files: there they would look like node_exporter's. */
export function processMetrics(): Metric[] {
  const { user, system } = process.cpuUsage();
  const began = Math.round(Date.now() - process.uptime() * 1000) / 1000;
  return [
    metric('process_cpu_seconds_total', 'counter', 'CPU time of this process.', (user + system) / 1e6),
    metric('process_resident_memory_bytes', 'gauge', 'Resident memory of this process.', process.memoryUsage.rss()),
    metric('process_start_time_seconds', 'gauge', 'Start time of this process, in seconds since 1970.', began),
  ];
}
