import type { Metric } from '../../schemas/pipe/metrics/text.js';
import type { Family, Point } from './families.js';
import type { Histogram } from './histogram.js';

/** Returns the label name of a field: other characters than letters and digits become `_`. */
export const labelOf = (field: string) => field.replace(/\W/g, '_');

/** Converts metrics to those of Prometheus. `names` are the fields of the labels. */
export function prometheus(families: readonly Family[], names: readonly string[]): Metric[] {
  return families.map(({ name, unit, type, help, points }) => ({
    name: prometheusName(name, unit, type),
    type,
    help,
    samples: points.flatMap((point) => samples(point, labels(point, names))),
  }));
}

const suffixes: Readonly<Record<string, string>> = { s: '_seconds', By: '_bytes' };

/** Returns the name that an OpenTelemetry Collector also gives to a metric that it passes on to Prometheus. */
function prometheusName(name: string, unit: string, type: Family['type']): string {
  return name.replaceAll('.', '_') + (suffixes[unit] ?? '') + (type === 'counter' ? '_total' : '');
}

/** Returns the labels of a point. One without a text is left out, which is the same for Prometheus. */
function labels({ group, more }: Point, names: readonly string[]): Record<string, string> {
  const own = names.map((name, at) => [labelOf(name), group?.labels[at] ?? ''] as const);
  return Object.fromEntries([...own, ...Object.entries(more)].filter(([, text]) => text !== ''));
}

function samples({ value }: Point, labels: Record<string, string>): Metric['samples'] {
  return typeof value === 'number' ? [{ labels, value }] : ofHistogram(value, labels);
}

function ofHistogram({ bounds, counts, count, sumUs }: Histogram, labels: Record<string, string>): Metric['samples'] {
  let below = 0;
  const buckets = counts.map((own, at) => {
    below += own;
    const le = at < bounds.length ? String(bounds[at]) : '+Inf';
    return { suffix: '_bucket', labels: { ...labels, le }, value: below };
  });
  return [...buckets, { suffix: '_sum', labels, value: sumUs / 1e6 }, { suffix: '_count', labels, value: count }];
}
