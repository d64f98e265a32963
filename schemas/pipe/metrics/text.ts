/** A Prometheus metric. The name of a counter ends in `_total`; units are base units (seconds, bytes). */
export interface Metric {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** The samples, each with its own labels. A suffix is added to the name, as in `_bucket` of a histogram. */
  samples: { labels: Record<string, string>; value: number; suffix?: string }[];
}

/** Returns a metric with one sample, or none if the value is undefined. */
export function metric(name: string, type: Metric['type'], help: string, value: number | undefined): Metric {
  return { name, type, help, samples: value === undefined ? [] : [{ labels: {}, value }] };
}

/** Returns the metrics with these labels added to each sample. */
export function labelled(metrics: readonly Metric[], more: Record<string, string>): Metric[] {
  return metrics.map((one) => ({
    ...one,
    samples: one.samples.map((sample) => ({ ...sample, labels: { ...more, ...sample.labels } })),
  }));
}

export const contentType = 'text/plain; version=0.0.4; charset=utf-8';

/** Formats metrics in Prometheus' text format. Groups metrics of the same name from several stages. */
export function expose(metrics: readonly Metric[]): string {
  const families = new Map<string, Metric>();
  for (const one of metrics) {
    const before = families.get(one.name)?.samples ?? [];
    families.set(one.name, { ...one, samples: [...before, ...one.samples] });
  }
  return [...families.values()]
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      const rows = samples.map(({ labels, value, suffix = '' }) => `${name}${suffix}${braces(labels)} ${value}\n`);
      return `# HELP ${name} ${help.replace(/[\\\n]/g, escaped)}\n# TYPE ${name} ${type}\n${rows.join('')}`;
    })
    .join('');
}

function braces(labels: Record<string, string>): string {
  const members = Object.entries(labels).map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, escaped)}"`);
  return members.length > 0 ? `{${members.join(',')}}` : '';
}

const escaped = (c: string) => (c === '\n' ? '\\n' : `\\${c}`);
