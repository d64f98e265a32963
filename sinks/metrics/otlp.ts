import { hostname } from 'node:os';
import { version } from '../../schemas/generated/version.js';
import type { Family, Point } from './families.js';
import { otherText } from './group.js';
import type { Histogram } from './histogram.js';

const mapOf = (names: Record<string, string>) => new Map(Object.entries(names));

/** The attributes of the semantic conventions for fields, named as by to-otel. */
export const attributeNames: ReadonlyMap<string, string> = mapOf({
  pid: 'process.pid',
  nspid: 'process.vpid',
  ppid: 'process.parent_pid',
  uid: 'process.real_user.id',
  user: 'process.real_user.name',
  comm: 'thread.name',
  exe: 'process.executable.path',
  family: 'network.type',
  saddr: 'network.local.address',
  sport: 'network.local.port',
  daddr: 'network.peer.address',
  dport: 'server.port',
  dest: 'server.address',
  name: 'server.address',
  container: 'container.id',
  container_name: 'container.name',
  image: 'container.image.name',
  runtime: 'container.runtime.name',
  pod: 'k8s.pod.uid',
  pod_name: 'k8s.pod.name',
  pod_namespace: 'k8s.namespace.name',
  host: 'host.name',
  error: 'error.type',
});
/** The same where they differ for look-ups. */
export const lookupNames: ReadonlyMap<string, string> = mapOf({
  dest: 'dns.question.name',
  name: 'dns.question.name',
  server: 'network.peer.address',
  transport: 'network.transport',
});
/** The fields above whose attributes are integers. */
const integers = ['pid', 'nspid', 'ppid', 'uid', 'sport', 'dport'];

type Value = { stringValue: string } | { intValue: string } | { boolValue: boolean };
type Attribute = { key: string; value: Value };

const cumulative = 2;

/** Converts metrics to a request to /v1/metrics, in JSON. `names` are the fields of the labels, `now` is in ms since 1970. */
export function otlp(families: readonly Family[], names: readonly string[], since: number, now: number): object {
  const resource = { 'service.name': 'synpipe', 'service.version': version, 'host.name': hostname() };
  const metrics = families.map(({ name, unit, type, help, points }) => {
    const dataPoints = points.map((point) => ({
      attributes: attributes(point, names, name === 'synpipe.failed_lookups' ? lookupNames : undefined),
      startTimeUnixNano: nanoseconds(point.group?.since ?? since),
      timeUnixNano: nanoseconds(now),
      ...(typeof point.value === 'number' ? { asInt: String(point.value) } : ofHistogram(point.value)),
    }));
    const shape = {
      counter: { sum: { dataPoints, aggregationTemporality: cumulative, isMonotonic: true } },
      gauge: { gauge: { dataPoints } },
      histogram: { histogram: { dataPoints, aggregationTemporality: cumulative } },
    };
    return { name, description: help, unit, ...shape[type] };
  });
  const attributesOfResource = Object.entries(resource).map(([key, stringValue]) => ({ key, value: { stringValue } }));
  const scope = { name: 'synpipe', version };
  return { resourceMetrics: [{ resource: { attributes: attributesOfResource }, scopeMetrics: [{ scope, metrics }] }] };
}

const nanoseconds = (ms: number) => `${ms}000000`;

function ofHistogram({ bounds, counts, count, sumUs }: Histogram) {
  return { count: String(count), sum: sumUs / 1e6, bucketCounts: counts.map(String), explicitBounds: bounds };
}

function attributes({ group, more }: Point, names: readonly string[], special?: typeof lookupNames): Attribute[] {
  const all = new Map<string, Value>();
  const add = (field: string, text: string) => {
    const name = special?.get(field) ?? attributeNames.get(field);
    const key = name && !all.has(name) ? name : `synpipe.${field}`;
    if (text !== '') all.set(key, valueOfLabel(field, text));
  };
  if (group?.labels.every((text) => text === otherText)) all.set('otel.metric.overflow', { boolValue: true });
  else if (group) for (const [at, name] of names.entries()) add(name, group.labels[at] as string);
  for (const [name, text] of Object.entries(more)) add(name, text);
  const { result, error } = more;
  if (result && result !== 'established' && !error) add('error', result);
  return [...all].map(([key, value]) => ({ key, value }));
}

function valueOfLabel(field: string, text: string): Value {
  if (integers.includes(field) && /^\d{1,15}$/.test(text)) return { intValue: text };
  return { stringValue: field === 'family' ? `ipv${text}` : text };
}
