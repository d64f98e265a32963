import { printable } from '../../../schemas/pipe/messages/printable.js';
import type { Attempt } from './model.js';

/** Returns the quantile `share` (0 to 1) of sorted values; undefined for an empty list. */
export function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

export function latencies(attempts: readonly Attempt[]): number[] {
  return attempts.flatMap(({ ms, failed }) => (ms === undefined || failed ? [] : [ms])).sort((a, b) => a - b);
}

/** The values per time step: start (s), all and failed attempts per second, p50 and p99 of the latency (ms). */
export interface Series {
  step: number;
  time: number[];
  all: number[];
  failed: number[];
  p50: (number | null)[];
  p99: (number | null)[];
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400];
const rowsMost = 240;

/** Computes the series from `from` to `to` (ms), in steps of a round length, including empty steps. */
export function series(attempts: readonly Attempt[], from: number, to: number): Series {
  const seconds = Math.max(1, (to - from) / 1000);
  const step = steps.find((one) => seconds / one < rowsMost) ?? Math.ceil(seconds / rowsMost / 86400) * 86400;
  const first = Math.floor(from / 1000 / step);
  const rows = Math.floor(to / 1000 / step) - first + 1;
  const pieces: Attempt[][] = Array.from({ length: rows }, () => []);
  for (const one of attempts) pieces[Math.floor(one.at / 1000 / step) - first]?.push(one);
  const sorted = pieces.map(latencies);
  return {
    step,
    time: pieces.map((_, i) => (first + i) * step),
    all: pieces.map((piece) => piece.length / step),
    failed: pieces.map((piece) => piece.filter((one) => one.failed).length / step),
    p50: sorted.map((piece) => quantile(piece, 0.5) ?? null),
    p99: sorted.map((piece) => quantile(piece, 0.99) ?? null),
  };
}

/** A node or a band of the graph: how many attempts it has, how many of them failed, and how many wait. */
export interface Share {
  key: string;
  count: number;
  failed: number;
  waiting: number;
}
export interface GraphNode extends Share {
  label: string;
  /** One of its attempts; undefined for the node that combines all others. */
  sample?: Attempt;
}
export interface Band extends Share {
  from: string;
  to: string;
}
export interface GraphData {
  left: GraphNode[];
  right: GraphNode[];
  bands: Band[];
}

const none = { count: 0, failed: 0, waiting: 0 };

function count<T extends Share>(map: Map<string, T>, make: T, one: Attempt): void {
  const entry = map.get(make.key) ?? make;
  entry.count++;
  if (one.failed) entry.failed++;
  if (one.type === 'pending') entry.waiting++;
  map.set(make.key, entry);
}

function top(
  all: Map<string, GraphNode>,
  most: number,
  others: string,
): { nodes: GraphNode[]; nameOf: (key: string) => string } {
  const bad = ({ failed, waiting }: Share) => failed + waiting;
  const sorted = [...all.values()].sort((a, b) => bad(b) - bad(a) || b.count - a.count || (a.label < b.label ? -1 : 1));
  if (sorted.length <= most) return { nodes: sorted, nameOf: (key) => key };
  const kept = new Set(sorted.slice(0, most - 1).map(({ key }) => key));
  const rest = sorted.slice(most - 1);
  const other: GraphNode = { key: '', label: `${rest.length} ${others}`, ...none };
  for (const one of rest) {
    other.count += one.count;
    other.failed += one.failed;
    other.waiting += one.waiting;
  }
  return { nodes: [...sorted.slice(0, most - 1), other], nameOf: (key) => (kept.has(key) ? key : '') };
}

/**
 * Computes who talks to whom: processes and destinations, those with most failed and waiting attempts first, then the busiest,
 * one node for all others, and the bands between.
 */
export function graphData(attempts: readonly Attempt[], most: { left: number; right: number }): GraphData {
  const lefts = new Map<string, GraphNode>();
  const rights = new Map<string, GraphNode>();
  for (const one of attempts) {
    count(lefts, { key: `p ${one.process}`, label: printable(one.process), ...none, sample: one }, one);
    count(rights, { key: `d ${one.endpoint}`, label: printable(one.endpoint), ...none, sample: one }, one);
  }
  const left = top(lefts, most.left, 'other processes');
  const right = top(rights, most.right, 'other destinations');
  const bands = new Map<string, Band>();
  for (const one of attempts) {
    const [from, to] = [left.nameOf(`p ${one.process}`), right.nameOf(`d ${one.endpoint}`)];
    count(bands, { key: `${from}\n${to}`, from, to, ...none }, one);
  }
  return { left: left.nodes, right: right.nodes, bands: [...bands.values()] };
}
