import { inLookups, integer, ip, type Table, text, version, type Write, without } from '../to-ecs/places.js';

/** A name that is not from a reverse look-up: the conventions want no other. */
const asked: Write = (value, event) =>
  (event as { name_source?: string }).name_source === 'ptr' ? undefined : text(value, event);

const askedInAttempts: Write = (value, event) => (event.events === 'dns' ? undefined : asked(value, event));

/** What attempts and look-ups have. */
const common: Table = {
  ts: { timeUnixNano: nanoseconds },
  pid: { 'process.pid': integer },
  nspid: { 'process.vpid': integer },
  uid: { 'process.real_user.id': integer },
  comm: { 'thread.name': text },
  exe: { 'process.executable.path': text },
  error: { 'error.type': text },
};

const attempt: Table = {
  ...common,
  ppid: { 'process.parent_pid': integer },
  family: { 'network.type': version },
  saddr: { 'network.local.address': ip },
  sport: { 'network.local.port': integer },
  daddr: { 'network.peer.address': ip },
  dport: { 'network.peer.port': integer, 'server.port': integer },
  name: { 'server.address': asked },
  user: { 'process.real_user.name': text },
  container: { 'container.id': text },
  container_name: { 'container.name': text },
  image: { 'container.image.name': text },
  runtime: { 'container.runtime.name': text },
  pod: { 'k8s.pod.uid': text },
  pod_name: { 'k8s.pod.name': text },
  pod_namespace: { 'k8s.namespace.name': text },
  host: { 'host.name': text },
};

/** Where the fields of each type of event go in OpenTelemetry: attributes, but for the record's own `timeUnixNano`. */
export const otelFields: Readonly<Record<string, Table>> = {
  connect: attempt,
  outcome: attempt,
  pending: attempt,
  dns: {
    ...common,
    name: { 'dns.question.name': text },
    addrs: { 'dns.answers': (value) => value },
    server: { 'network.peer.address': ip },
    transport: { 'network.transport': text },
  },
  summary: {
    ...attempt,
    dest: { 'server.address': without('name', text) },
    name: { 'server.address': askedInAttempts, 'dns.question.name': inLookups },
    server: { 'network.peer.address': without('daddr', ip) },
  },
  lost: { ts: { timeUnixNano: nanoseconds } },
  status: { ts: { timeUnixNano: nanoseconds } },
};

/** What 64 bits hold, as Protocol Buffers have it. */
const last = 2n ** 64n;

/** A time (RFC 3339, UTC, microseconds) in nanoseconds since the epoch, as text; undefined before 1970 and from 2554 on. */
export function nanoseconds(ts: unknown): string | undefined {
  const [, seconds, fraction = ''] = /^(.{19})\.(\d{6})Z$/.exec(String(ts)) ?? [];
  const ms = Date.parse(`${seconds}Z`);
  if (!(ms >= 0)) return undefined;
  const time = BigInt(ms) * 1_000_000n + BigInt(fraction) * 1000n;
  return time < last ? String(time) : undefined;
}
